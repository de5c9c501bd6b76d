using System.Globalization;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Sweeps;

/// <summary>How a sweep is run here.</summary>
/// <param name="Jobs">Members at once.</param>
/// <param name="AllowedChanges">Keys that may differ from those that a member began with.</param>
internal sealed record SweepOptions(int Jobs, IReadOnlyList<string> AllowedChanges);

/// <summary>Runs the members of a sweep in processes of this machine, in their order, some at once. Members that have come to their end are passed over, others go on from their checkpoints.</summary>
internal sealed class SweepRun(IMemberProcess processes, Terminal terminal, TimeProvider time)
{
    private readonly Lock _console = new();

    /// <summary>Runs all members that are not finished.</summary>
    /// <param name="sweep">The sweep.</param>
    /// <param name="members">Its members.</param>
    /// <param name="options">How.</param>
    /// <param name="stop">Asks the members under way to stop after their steps; no other begins.</param>
    /// <returns>
    /// Whether all were done. LA5007 before anything begins, when a member would go on under another configuration; LA5038 when members failed, after the others have come to their end.
    /// </returns>
    public Result<Completion> Run(Sweep sweep, IReadOnlyList<PlannedMember> members, SweepOptions options, CancellationToken stop)
    {
        if (!Unchanged(members, options).TryGet(out _, out var fault)) return fault;
        if (!RunFolder.Make(Path.GetDirectoryName(members[0].Folder.Path)!).TryGet(out _, out fault)) return fault;
        var outcomes = new Outcome[members.Count];
        // In their order, each as soon as there is room. Who asks for a stop wants those under way to end, not to be left alone.
        Parallel.ForEachAsync(Enumerable.Range(0, members.Count), new ParallelOptions { MaxDegreeOfParallelism = options.Jobs, CancellationToken = CancellationToken.None }, async (index, _) =>
            outcomes[index] = stop.IsCancellationRequested ? Outcome.Stopped : await Run(sweep, members[index], members.Count, options, stop).ConfigureAwait(false)).GetAwaiter().GetResult();
        return Tell(members, outcomes);
    }

    // All of them are named at once: each is mended by the same option.
    private static Result<Unit> Unchanged(IReadOnlyList<PlannedMember> members, SweepOptions options)
    {
        var refused = members.Select(member => member.Unchanged(options.AllowedChanges).Match<Fault?>(static _ => null, static fault => fault)).OfType<Fault>().ToList();
        return refused.Count == 0 ? Unit.Value : refused.Count == 1 ? refused[0] : refused[0].And($"; {refused.Count} members of the sweep have changed") with { Place = refused[0].Place };
    }

    private async Task<Outcome> Run(Sweep sweep, PlannedMember planned, int count, SweepOptions options, CancellationToken stop)
    {
        // Others may have worked here since all were looked at.
        var now = planned.Now();
        if (now.Action == MemberAction.Pass)
        {
            Say(now, count, now.Standing == RunStanding.Busy ? "another process works on it" : "finished before");
            return now.Standing == RunStanding.Busy ? Outcome.Busy : Outcome.Done;
        }
        if (!MemberCall.Source(sweep, now.Member).TryGet(out var source, out var fault)) return new Outcome(false, fault.ToString());
        var log = $"{now.Folder.Path}.log";
        Say(now, count, $"{(now.Action == MemberAction.Resume ? "goes on" : "begins")}, log {log}");
        var began = time.GetTimestamp();
        var start = new MemberStart(MemberCall.Arguments(source, now, options.AllowedChanges), log, options.Jobs > 1 ? Math.Max(1, Processors.Here.Threads / options.Jobs) : null);
        var ended = await processes.Run(start, stop).ConfigureAwait(false);
        var outcome = ended.Match(Of, static fault => new Outcome(false, fault.ToString()));
        var seconds = time.GetElapsedTime(began).TotalSeconds;
        Say(now, count, outcome == Outcome.Done ? $"finished in {Seconds(seconds)}{Last(now.Folder)}" : outcome == Outcome.Stopped ? $"stopped after {Seconds(seconds)}" : $"failed after {Seconds(seconds)}: {outcome.Failure}");
        return outcome;
    }

    private static Outcome Of(MemberEnd end) => end.ExitCode switch
    {
        0 => Outcome.Done,
        Interruption.ExitCode => Outcome.Stopped,
        _ => new Outcome(false, end.Error ?? string.Create(CultureInfo.InvariantCulture, $"its process ended with exit code {end.ExitCode}")),
    };

    private Result<Completion> Tell(IReadOnlyList<PlannedMember> members, IReadOnlyList<Outcome> outcomes)
    {
        var failed = members.Zip(outcomes).Where(static pair => pair.Second.Failure is not null).ToList();
        if (failed.Count > 0)
        {
            foreach (var (member, outcome) in failed) terminal.Error.WriteLine($"{member.Member}: {outcome.Failure}");
            return new Fault.Run(
                FaultCodes.MembersFailed,
                $"{failed.Count} of {members.Count} members failed: {string.Join(", ", failed.Select(static pair => pair.First.Member.Name))}; the log of each is beside its folder, and the same command goes on with what has not come to its end",
                new SourcePlace(Path.GetDirectoryName(members[0].Folder.Path)!));
        }
        if (outcomes.All(static outcome => outcome.IsDone)) return Completion.Whole;
        var (done, busy) = (outcomes.Count(static outcome => outcome.IsDone), outcomes.Count(static outcome => outcome == Outcome.Busy));
        Line($"{done} of {members.Count} members have come to their end{(busy > 0 ? $", other processes work on {busy}" : "")}; the same command goes on");
        return outcomes.Contains(Outcome.Stopped) ? Completion.Interrupted : Completion.Whole;
    }

    private void Say(PlannedMember member, int count, string words) => Line($"[{member.Member.Number + 1}/{count}] {member.Member.Name}: {words}");

    private void Line(string text)
    {
        lock (_console) terminal.Write(text);
    }

    private static string Last(RunFolder folder) => RunReader.Read(folder).Match(
        static run => run.Evaluations is [.., var last] ? $": {string.Join(", ", last.Rewards.Select(static reward => string.Create(CultureInfo.InvariantCulture, $"{reward.Key} {reward.Value:G4}")))}" : "",
        static _ => "");

    private static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s");

    private sealed record Outcome(bool IsDone, string? Failure)
    {
        public static readonly Outcome Done = new(true, null);
        public static readonly Outcome Stopped = new(false, null);

        // Not stopped by anybody, and nobody's failure.
        public static readonly Outcome Busy = new(false, null) { IsElsewhere = true };

        public bool IsElsewhere { get; private init; }
    }
}
