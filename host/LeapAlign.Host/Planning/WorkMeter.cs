using System.Diagnostics;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Planning;
using LeapAlign.Host.Telemetry.Measures;
using static TorchSharp.torch;

namespace LeapAlign.Host.Planning;

/// <summary>What a piece of work costs.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Times">How many like it there are in a stage, one after the other.</param>
/// <param name="Scale">How many times as large the work of a step is.</param>
internal sealed record WorkCost(string Name, double Times, double Scale)
{
    /// <summary>Seconds of one without a graph.</summary>
    public double Plain { get; init; }

    /// <summary>Seconds of one with a graph.</summary>
    public double Recorded { get; init; }

    /// <summary>Seconds of its backward, what is computed again included.</summary>
    public double Backward { get; init; }

    /// <summary>Bytes that one keeps for its backward: its inputs and its graph, without its outputs, which are inputs of the next.</summary>
    public double Kept { get; init; }

    /// <summary>Bytes that it needs at most in its forward and backward, what it keeps included.</summary>
    public double Peak { get; init; }

    /// <summary>Bytes of its inputs: what recomputation would keep.</summary>
    public double Inputs { get; init; }

    /// <summary>Multiply-adds of one forward.</summary>
    public double MultiplyAdds { get; init; }

    /// <summary>What all of the stage keep.</summary>
    public double AllKept => Times * Scale * Kept;

    /// <summary>What one needs beside what it keeps, for a moment.</summary>
    public double Moment => Scale * Math.Max(0, Peak - Kept);

    /// <summary>Of all of the stage.</summary>
    public double All(Func<WorkCost, double> each) => Times * Scale * each(this);
}

/// <summary>Runs pieces of work, and notes what they take.</summary>
internal static class WorkMeter
{
    // Short pieces are repeated until they took so long together, or so often.
    private static readonly TimeSpan s_enough = TimeSpan.FromSeconds(0.5);
    private const int Most = 12;

    // The allocator keeps no peak.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(1);

    /// <summary>Measures a piece.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="differentiates">Whether its backward is measured, too.</param>
    /// <param name="stop">Ends it early.</param>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public static WorkCost Measure(WorkPiece piece, bool differentiates, CancellationToken stop)
    {
        var cost = new WorkCost(piece.Name, piece.Times, piece.Scale);
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            var inputs = piece.Inputs();
            cost = cost with { Inputs = inputs.Sum(static input => (double)input.numel() * input.element_size()), MultiplyAdds = WorkCount.Of(() => Forget(() => piece.Compute(inputs))) };
            for (var variant = 1; variant < piece.Variants; variant++) Forget(() => piece.Compute(inputs));
            cost = cost with { Plain = Mean(() => Seconds(() => Forget(() => piece.Compute(inputs))), stop) };
        }
        if (!differentiates) return cost;
        using var gradients = enable_grad();
        // The first of each makes the gradients of what is trained, which stay.
        for (var variant = 0; variant < piece.Variants; variant++)
        {
            if (Differentiate(piece) is null) return cost;
        }
        List<Differentiated> all = [];
        Mean(
            () =>
            {
                var one = Differentiate(piece)!;
                all.Add(one);
                return one.Recorded + one.Backward;
            },
            stop);
        return cost with { Recorded = all.Average(static one => one.Recorded), Backward = all.Average(static one => one.Backward), Kept = all[^1].Kept, Peak = all.Max(static one => one.Peak) };
    }

    // Null where nothing of the outputs depends on what is trained.
    private static Differentiated? Differentiate(WorkPiece piece)
    {
        using var scope = NewDisposeScope();
        var before = ProcessMemory.Native;
        using var peak = new PeakWatch(static () => ProcessMemory.Native, s_look);
        var inputs = piece.Inputs();
        foreach (var input in inputs.Take(piece.Differentiated)) input.requires_grad_();
        IReadOnlyList<Tensor> outputs = [];
        var recorded = Seconds(() => outputs = piece.Compute(inputs));
        Tensor[] differentiable = [.. outputs.Where(static output => output.requires_grad)];
        if (differentiable.Length == 0) return null;
        var kept = ProcessMemory.Native - before - outputs.Sum(static output => output.numel() * output.element_size());
        Tensor[] upstream = [.. differentiable.Select(static output => ones_like(output))];
        using var calls = new GraphCalls();
        var backward = Seconds(() =>
        {
            autograd.backward(differentiable, upstream);
            calls.Complete();
        });
        return new Differentiated(recorded, backward, Math.Max(0, kept), Math.Max(0, peak.Highest - before));
    }

    private static void Forget(Func<IReadOnlyList<Tensor>> work)
    {
        using var scope = NewDisposeScope();
        work();
    }

    /// <summary>The seconds that something takes.</summary>
    public static double Seconds(Action work)
    {
        var began = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    // Not the fastest: a step has no best days either.
    private static double Mean(Func<double> run, CancellationToken stop)
    {
        var (times, spent) = (0, 0.0);
        while (times < Most && spent < s_enough.TotalSeconds)
        {
            stop.ThrowIfCancellationRequested();
            spent += run();
            times++;
        }
        return spent / times;
    }

    private sealed record Differentiated(double Recorded, double Backward, double Kept, double Peak);
}
