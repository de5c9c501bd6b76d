using LeapAlign.Contracts.Planning;
using LeapAlign.Host.Planning;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Planning;

/// <summary>Tests that read what the process has allocated: nothing else allocates meanwhile.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>What pieces of work are found to take.</summary>
[Collection(nameof(Alone))]
public sealed class WorkMeterTests
{
    private const long Numbers = 1 << 22;
    private const double Bytes = 4.0 * Numbers;

    [Fact]
    public void What_a_piece_keeps_is_what_came_in_and_its_graph()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "it asks the allocator of Linux");
        using var scope = NewDisposeScope();
        var times = 0;
        // A sine keeps its input: what came in, and two results.
        var cost = Measure(
            x =>
            {
                times++;
                return x.sin().sin().sin();
            });
        Assert.InRange(cost.Kept / Bytes, 2.95, 3.2);
        Assert.Equal(Bytes, cost.Inputs);
        // All of that, the result, and gradients on the way.
        Assert.InRange(cost.Peak / Bytes, 4, 9);
        Assert.True(cost is { Plain: > 0, Recorded: > 0, Backward: > 0 });
        Assert.InRange(times, 4, 40);
    }

    [Fact]
    public void What_is_not_differentiated_has_no_backward()
    {
        using var scope = NewDisposeScope();
        var cost = WorkMeter.Measure(new WorkPiece("plain", WorkStage.Decode, static () => [ones(8)], static inputs => [inputs[0].sin()]) { Differentiated = 0, Times = 3, Scale = 2 }, true, CancellationToken.None);
        Assert.Equal((0.0, 0.0, 3.0, 2.0), (cost.Recorded, cost.Backward, cost.Times, cost.Scale));
        Assert.True(cost.Plain > 0);
        Assert.Equal(0, WorkMeter.Measure(new WorkPiece("asked for none", WorkStage.Decode, static () => [ones(8)], static inputs => [inputs[0].sin()]), false, CancellationToken.None).Backward);
    }

    [Fact]
    public void Multiply_adds_are_counted_where_somebody_asks()
    {
        WorkCount.Add(1e9, 1, 1);
        Assert.Equal(24 + 5, WorkCount.Of(static () =>
        {
            WorkCount.Add(2, 3, 4);
            WorkCount.Add(5, 1, 1);
        }));
        Assert.Equal(0, WorkCount.Of(static () => { }));
        var cost = WorkMeter.Measure(
            new WorkPiece("counted", WorkStage.Velocity, static () => [ones(8)], static inputs =>
            {
                WorkCount.Add(8, 1, 1);
                return [inputs[0].sin()];
            }),
            true,
            CancellationToken.None);
        Assert.Equal(8, cost.MultiplyAdds);
    }

    [Fact]
    public void Who_asks_to_stop_is_heard()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => WorkMeter.Measure(new WorkPiece("stopped", WorkStage.Velocity, static () => [ones(8)], static inputs => [inputs[0].sin()]), true, stop.Token));
    }

    private static WorkCost Measure(Func<Tensor, Tensor> compute) =>
        WorkMeter.Measure(new WorkPiece("piece", WorkStage.Velocity, static () => [ones(Numbers)], inputs =>
        {
            using var scope = NewDisposeScope();
            return [compute(inputs[0]).MoveToOuterDisposeScope()];
        }), true, CancellationToken.None);
}
