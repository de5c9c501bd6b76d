using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Sweeps;

/// <summary>How far a run of a sweep is, as its folder tells it.</summary>
internal enum RunStanding
{
    /// <summary>It has no folder.</summary>
    New,

    /// <summary>It has a folder, and nothing in it to go on from.</summary>
    Left,

    /// <summary>It was interrupted, failed or died, and has a checkpoint.</summary>
    Stopped,

    /// <summary>A process works in its folder.</summary>
    Busy,

    /// <summary>All steps are done.</summary>
    Finished,
}

/// <summary>What is done with a member.</summary>
internal enum MemberAction
{
    /// <summary>It begins.</summary>
    Begin,

    /// <summary>It begins anew, in place of a folder that has nothing to go on from.</summary>
    Replace,

    /// <summary>It goes on from its newest valid checkpoint.</summary>
    Resume,

    /// <summary>It is passed over.</summary>
    Pass,
}

/// <summary>A member that was composed, and what it has done before.</summary>
/// <param name="Member">The member.</param>
/// <param name="Folder">The folder of its run, there or not.</param>
/// <param name="Standing">How far it is.</param>
internal sealed record PlannedMember(SweepMember Member, RunFolder Folder, RunStanding Standing)
{
    /// <summary>Keys of plugins.json that differ from those that the run had.</summary>
    public IReadOnlyList<ChangedKey> Changes { get; init; } = [];

    /// <summary>What is done with it.</summary>
    public MemberAction Action => Standing switch
    {
        RunStanding.New => MemberAction.Begin,
        RunStanding.Left => MemberAction.Replace,
        RunStanding.Stopped => MemberAction.Resume,
        // It ended under another configuration, and may go on under this one.
        RunStanding.Finished when Changes.Count > 0 => MemberAction.Resume,
        _ => MemberAction.Pass,
    };

    /// <summary>How far it is, in a word.</summary>
    public string Word => Changes.Count > 0 ? "changed" : Standing switch
    {
        RunStanding.New => "new",
        RunStanding.Left => "begun",
        RunStanding.Stopped => "stopped",
        RunStanding.Busy => "running",
        _ => "finished",
    };

    /// <summary>Refuses a member that would go on under another configuration.</summary>
    /// <param name="allowed">Keys that may differ.</param>
    /// <returns><see cref="FaultCodes.ConfigurationChanged"/> with the member and every key that changed and may not.</returns>
    public Result<Unit> Unchanged(IReadOnlyList<string> allowed) => OpenRun.Unchanged(Changes, new ResumeOptions(Folder, allowed))
        .Match(Result.Ok, fault => Result.Fail<Unit>(fault.And($" ({Member})") with { Place = fault.Place }));

    /// <summary>The same member as its folder is now.</summary>
    public PlannedMember Now() => this with { Standing = RunStandings.Of(Folder) };
}

/// <summary>Looks at the folder of a run.</summary>
internal static class RunStandings
{
    /// <summary>How far the run is.</summary>
    public static RunStanding Of(RunFolder folder)
    {
        if (!Directory.Exists(folder.Path)) return RunStanding.New;
        if (folder.IsTaken) return RunStanding.Busy;
        if (RunRecordFile.Read(folder.Record) is { State: RunState.Completed }) return RunStanding.Finished;
        return folder.Stores.Checkpoints.Steps().Count > 0 ? RunStanding.Stopped : RunStanding.Left;
    }
}
