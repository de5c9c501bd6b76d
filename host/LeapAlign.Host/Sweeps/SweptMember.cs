using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Sweeps;

/// <summary>
/// Runs one member in this process, as <c>train</c> would: a task of a job array, whose output and signals are the launcher's concern. Processes that share a run all come here, and decide the same: the folder of a run is
/// made after they have joined.
/// </summary>
internal sealed class SweptMember(PlanRun run, ITraining training, Terminal terminal)
{
    /// <summary>Runs it, unless it is finished.</summary>
    /// <param name="sweep">The sweep.</param>
    /// <param name="member">The member.</param>
    /// <param name="allowed">Keys that may differ from those that it began with.</param>
    /// <returns>The exit code.</returns>
    public int Run(Sweep sweep, SweepMember member, IReadOnlyList<string> allowed)
    {
        if (!MemberCall.Source(sweep, member).TryGet(out var source, out var fault)) return terminal.Error.Error(fault);
        return run.Run(source, workspace => SweepComposer.Compose(workspace.Catalog, sweep, member), (plan, tuning, stop) =>
            from planned in SweepComposer.Look(plan, member)
            from same in planned.Unchanged(allowed)
            from completion in Train(plan, planned, new TrainOptions(planned.Action == MemberAction.Replace, tuning, source) { Resume = planned.Action == MemberAction.Resume ? new(planned.Folder, allowed) : null }, stop)
            select completion);
    }

    private Result<Completion> Train(RunPlan plan, PlannedMember planned, TrainOptions options, CancellationToken stop)
    {
        if (planned.Standing == RunStanding.Busy) return new Fault.Run(FaultCodes.RunFolderTaken, $"another process works in this run folder ({planned.Member})", new SourcePlace(planned.Folder.Path));
        if (planned.Action != MemberAction.Pass) return training.Train(plan, options, stop);
        terminal.Write($"{planned.Member}, is finished: {planned.Folder.Path}");
        return Completion.Whole;
    }
}
