using System.Globalization;
using System.Runtime.InteropServices;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Solvers;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting.Sites;

/// <summary>What sites agreed on.</summary>
/// <param name="Weights">The mean of their w; the same in all of them, to the bit.</param>
/// <param name="Bound">‖w − w*‖ is at most this, by the gradient of the whole at w and λ.</param>
/// <param name="Apart">How far the w of the sites were from their mean, at most, in any number.</param>
/// <param name="Events">Events of all sites until then.</param>
/// <param name="Gradients">Gradients of this site.</param>
/// <param name="Exchanges">Exchanges of this site.</param>
internal sealed record SiteSolution(double[] Weights, double Bound, double Apart, long Events, long Gradients, long Exchanges);

/// <summary>
/// Sites minimise the mean of their problems by DADAO (<see cref="DadaoRates"/>), without a server: between two meetings only neighbours exchange something. All of them have the same list of events, and meet after every
/// <c>12/κ</c> of its time to tell how far they moved, to keep their states and to hear whether one was asked to stop.
/// </summary>
/// <param name="ranks">The sites.</param>
/// <param name="graph">Who is whose neighbour.</param>
/// <param name="problem">That of this site.</param>
/// <param name="random">The key of events, the same in all sites.</param>
internal sealed class SiteDescent(RunRanks ranks, RankGraph graph, SiteProblem problem, RandomKey random)
{
    private const double MeetingTime = 12;

    /// <summary>How near the minimum is to be, as a part of the length of w, or of 1 where that is more.</summary>
    public double Tolerance { get; init; } = 1e-7;

    /// <summary>The most meetings.</summary>
    public int MostMeetings { get; init; } = 400;

    /// <summary>Stages hear of exchanges; null where nobody asks.</summary>
    public OpenStages? Stages { get; init; }

    /// <summary>The path that states are kept at; null keeps none.</summary>
    public string? States { get; init; }

    /// <summary>Whether it goes on from states that were kept.</summary>
    public bool Resumes { get; init; }

    /// <summary>Takes lines of progress.</summary>
    public Action<string> Say { get; init; } = static _ => { };

    /// <summary>Solves.</summary>
    /// <param name="stop">Asks to stop at the next meeting.</param>
    /// <returns>Null when it was stopped; LA5031 where there is no common state to go on from, or the minimum is not reached.</returns>
    /// <exception cref="FaultException">What ended the fit in another site.</exception>
    public Result<SiteSolution?> Solve(CancellationToken stop)
    {
        // One site's numbers for all: those of two machines may differ in the last bit.
        var smooth = ranks.Gather("constants of sites", [problem.Smooth]).Max();
        var own = DadaoRates.Of(graph, smooth, problem.Strong);
        var said = ranks.Gather("rates of exchanges", [own.GossipRate, own.Connectivity]);
        var rates = own with { GossipRate = said[0], Connectivity = said[1] };
        var events = new DadaoEvents(random, graph, rates.GossipRate);
        var node = new DadaoNode(rates, new double[problem.Size]);
        var each = (long)Math.Ceiling(MeetingTime / rates.Kappa * events.Rate);
        var states = States is null ? null : new SiteStates(States, string.Create(CultureInfo.InvariantCulture, $"{problem.Fingerprint} {graph} {random} {smooth:R} {each}"));
        if (!From(states).TryGet(out var from, out var lacking)) return lacking;
        var (meeting, time) = (from?.Meeting ?? 0, from?.Time ?? 0);
        if (from is not null) node.Load(from.Vectors, from.NodeTime);
        var (gradients, exchanges) = (0L, 0L);
        while (meeting < MostMeetings)
        {
            var before = node.Point.ToArray();
            (time, var did) = Chunk(() => Until(node, events, (meeting * each, (meeting + 1) * each), time));
            (gradients, exchanges, meeting) = (gradients + did.Gradients, exchanges + did.Exchanges, meeting + 1);
            var kept = states?.Save(new SiteState(meeting, time, node.Time, node.Save())) ?? Result.Ok(Unit.Value);
            if (!ranks.Agreed("states of sites", kept).TryGet(out _, out var fault)) return fault;
            var all = ranks.Gather("what sites moved by", [Moved(before, node.Point)]);
            var moved = all.Max();
            if (!all.All(double.IsFinite)) return new Fault.Run(FaultCodes.CannotFit, FormattableString.Invariant($"after {meeting * each} events the last layer of a site is no number"));
            Say(FormattableString.Invariant($"meeting {meeting}: {meeting * each} events, moved by {moved:G3}"));
            if (moved <= Tolerance && Judged(node) is { } judged && judged.Bound <= Tolerance * Math.Max(1, Length(judged.Weights))) return judged with { Events = meeting * each, Gradients = gradients, Exchanges = exchanges };
            if (ranks.Any("a stop of sites", stop.IsCancellationRequested)) return Result.Ok<SiteSolution?>(null);
        }
        return new Fault.Run(FaultCodes.CannotFit, FormattableString.Invariant($"the sites do not agree after {meeting * each} events; a larger penalty makes it easier (L/μ is {smooth / rates.Strong:G3})"), new SourcePlace(FitOptions.PenaltyOption));
    }

    private Result<SiteState?> From(SiteStates? states)
    {
        if (states is null || !Resumes) return Result.Ok<SiteState?>(null);
        var there = states.Read();
        var all = ranks.Gather("states to go on from", [there.ElementAtOrDefault(0)?.Meeting ?? -1.0, there.ElementAtOrDefault(1)?.Meeting ?? -1.0]).Chunk(2).ToArray();
        var common = all[0].Where(meeting => meeting > 0 && all.All(site => site.Contains(meeting))).DefaultIfEmpty(-1).Max();
        return there.FirstOrDefault(state => state.Meeting == common) is { } found
            ? found
            : Result.Fail<SiteState?>(new Fault.Input(FaultCodes.CannotFit, $"there is no state of this fit that all sites have: the rows, the graph, the seed and the penalty have to be those it began with; leave {FitOptions.ResumeOption} out to begin anew", new SourcePlace(FitOptions.ResumeOption)));
    }

    // Between meetings a site that fails can tell nobody, and its neighbours would wait for it.
    private T Chunk<T>(Func<T> work)
    {
        try
        {
            return Stages is null ? work() : Stages.Run("gossip", work);
        }
#pragma warning disable CA1031 // Whatever went wrong, the others must not wait for ever.
        catch (Exception exception) when (!ranks.IsAlone)
#pragma warning restore CA1031
        {
            Telemetry.Thrown.Keep(exception, "exchanging with other sites");
            ranks.Communicator.Abort((exception as FaultException)?.Fault.ExitCode ?? new Fault.Run(FaultCodes.StepThrew, "").ExitCode);
            throw;
        }
    }

    private (double Time, (long Gradients, long Exchanges) Did) Until(DadaoNode node, DadaoEvents events, (long First, long End) numbers, double time)
    {
        using var scope = NewDisposeScope();
        var (shown, other) = (empty(problem.Size, dtype: ScalarType.Float64), empty(problem.Size, dtype: ScalarType.Float64));
        var (gradients, exchanges) = (0L, 0L);
        for (var number = numbers.First; number < numbers.End; number++)
        {
            var next = events.At(number, time);
            time = next.Time;
            if (!next.Concerns(ranks.Rank)) continue;
            if (next.Second is not { } second)
            {
                node.Descend(time, problem.Gradient);
                gradients++;
                continue;
            }
            MemoryMarshal.AsBytes(node.Show(time)).CopyTo(shown.bytes);
            ((IPeerCommunicator)ranks.Communicator).Swap(next.First == ranks.Rank ? second : next.First, shown, other);
            node.Meet(MemoryMarshal.Cast<byte, double>(other.bytes));
            exchanges++;
        }
        return (time, (gradients, exchanges));
    }

    // Their mean, and what strong convexity says of its distance from the minimum.
    private SiteSolution Judged(DadaoNode node)
    {
        var points = ranks.Gather("last layers of sites", (IReadOnlyList<double>)node.Point.ToArray()).Chunk(problem.Size).ToArray();
        double[] mean = [.. Enumerable.Range(0, problem.Size).Select(i => points.Sum(point => point[i]) / ranks.World)];
        var gradient = new double[problem.Size];
        problem.Gradient(mean, gradient);
        var slopes = ranks.Gather("gradients of sites", (IReadOnlyList<double>)gradient).Chunk(problem.Size).ToArray();
        double[] slope = [.. Enumerable.Range(0, problem.Size).Select(i => slopes.Sum(each => each[i]) / ranks.World)];
        return new SiteSolution(mean, Length(slope) / problem.Strong, points.Max(point => point.Zip(mean, static (one, all) => Math.Abs(one - all)).Max()), 0, 0, 0);
    }

    private static double Moved(ReadOnlySpan<double> before, ReadOnlySpan<double> now)
    {
        var (moved, largest) = (0.0, double.Epsilon);
        for (var i = 0; i < now.Length; i++)
        {
            if (!double.IsFinite(now[i])) return double.NaN;
            (moved, largest) = (Math.Max(moved, Math.Abs(now[i] - before[i])), Math.Max(largest, Math.Abs(now[i])));
        }
        return moved / largest;
    }

    private static double Length(double[] vector) => Math.Sqrt(vector.Sum(static each => each * each));
}
