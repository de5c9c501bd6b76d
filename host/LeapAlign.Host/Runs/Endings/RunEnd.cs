using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>The export at the end of a run. If it fails although it was rehearsed, what was trained is kept, and the fault says where and how it is exported later.</summary>
/// <param name="kernel">What trained.</param>
/// <param name="run">Its folder.</param>
/// <param name="plan">What was asked for.</param>
/// <param name="model">What is exported.</param>
/// <param name="rescue">Keeps what was trained when the folder is not there any more.</param>
internal sealed class RunEnd(RunKernel kernel, OpenRun run, RunPlan plan, TrainedModel model, Rescue rescue)
{
    /// <summary>Is told where the files of the run are when they are not where they were.</summary>
    public required Action<RunFolder> Moved { get; init; }

    /// <summary>Exports what a run trained that came to its end.</summary>
    /// <param name="ran">How it ended. Where only its last checkpoint could not be written, the export keeps what was trained, and the fault says so.</param>
    /// <returns>How it ended, and what was exported, in words.</returns>
    public Result<(RunEnding Ending, string Export)> Export(Result<RunEnding> ran)
    {
        if (run.Held.Lost() is { } before) return Lost(before, ran);
        var exported = Exports(ran);
        return !exported.IsOk && run.Held.Lost() is { } meanwhile ? Lost(meanwhile, ran) : exported;
    }

    // What the run ended with before is the cause, unless it is only that the folder could not be written.
    private Fault Lost(LostFolder lost, Result<RunEnding> ran)
    {
        var (fault, folder) = rescue.Of(lost);
        if (folder is not null) Moved(folder);
        return ran.Match(_ => fault, cause => cause.Code is FaultCodes.RunFolderLost or FaultCodes.CannotWrite ? fault : cause.And($"; {fault.Message}"));
    }

    private Result<(RunEnding Ending, string Export)> Exports(Result<RunEnding> ran)
    {
        if (ran.TryGet(out var ending, out var fault)) return Export(ending).Map(words => (ending, words));
        if (kernel.Ending is { } reached) return Fits(reached).Match(words => fault.And($"; the trained weights are exported to {words}"), second => fault.And($"; the export failed, too: {second.Message}; {GoesOn}"));
        return fault.Code == FaultCodes.CannotWrite ? Refused(fault) : fault;
    }

    // The disk refused something in the middle of the run. A checkpoint may have found room when the run ended; without one, the export is what can still keep the weights.
    private Fault Refused(Fault fault)
    {
        if (kernel.Done == 0) return fault;
        if (kernel.IsKept) return fault.And($"; the state after step {kernel.Done} is kept, and {GoesOn}");
        return Fits(RunEnding.Interrupted).Match(
            words => fault.And($"; the weights after step {kernel.Done} are exported to {words}; {GoesOn}"),
            second => fault.And($"; the weights after step {kernel.Done} are lost, since the export failed, too: {second.Message}; {GoesOn}"));
    }

    private string GoesOn => run.Stores.Checkpoints.Newest(static _ => { }).Match(
        newest => $"when the cause is gone, 'leapalign train --resume {Shell(run.Folder.Path)}' goes on from step {newest.Step}, the newest valid checkpoint",
        static _ => "there is no valid checkpoint to go on from");

    // Where the disk says how much is free, what is missing is said in numbers and nothing is begun.
    private Result<string> Fits(RunEnding ending) => Rehearsal.Check(model, plan.Export, run.Folder.Path).Bind(_ => Written(ending));

    private Result<string> Export(RunEnding ending) => Written(ending).Match(Result.Ok, fault => (Result<string>)Kept(fault, ending));

    private string Exported => plan.Adapter is not null ? run.Folder.Adapter : run.Folder.Export;

    // A run whose reward was gamed has a better model behind it.
    private Result<string> Written(RunEnding ending) => Best(ending) is { } best
        ? run.Stores.Checkpoints.Open(best.Step).Bind(checkpoint => kernel.Export(checkpoint, run.Folder.Exports)).Map(_ => $"{Exported}, the weights of step {best.Step}, which are the best by '{best.Reward}'")
        : kernel.Export(run.Folder.Exports).Map(_ => Exported);

    private Kernel.State.BestEvaluation? Best(RunEnding ending) => ending == RunEnding.Gamed ? kernel.Best : null;

    private Fault Kept(Fault fault, RunEnding ending)
    {
        if (!kernel.Keep().TryGet(out _, out var second)) return fault.And($"; the trained weights could not be kept in a checkpoint, either: {second.Message}");
        var step = Best(ending)?.Step ?? kernel.Done;
        return fault.And($"; the trained weights are kept in {run.Stores.Checkpoints.PathOf(step)}; when the cause is gone, this exports them: leapalign checkpoint export {Shell(run.Folder.Path)} --step {step}");
    }

    /// <summary>A path as a shell reads it.</summary>
    public static string Shell(string path) =>
        path.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '.' or '-' or '_') ? path : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
