using LeapAlign.Host.Kernel;

using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>The export at the end of a run. If it fails although it was rehearsed, what was trained is kept, and the fault says where and how it is exported later.</summary>
/// <param name="kernel">What trained.</param>
/// <param name="run">Its folder.</param>
/// <param name="trainsAdapter">Whether an adapter is exported.</param>
internal sealed class RunEnd(RunKernel kernel, OpenRun run, bool trainsAdapter)
{
    /// <summary>Exports what a run trained that came to its end.</summary>
    /// <param name="ran">How it ended. Where only its last checkpoint could not be written, the export keeps what was trained, and the fault says so.</param>
    /// <returns>How it ended, and what was exported, in words.</returns>
    public Result<(RunEnding Ending, string Export)> Export(Result<RunEnding> ran)
    {
        if (ran.TryGet(out var ending, out var fault)) return Export(ending).Map(words => (ending, words));
        return kernel.Ending is { } reached
            ? Written(reached).Match(words => fault.And($"; the trained weights are exported to {words}"), second => fault.And($"; the export failed, too: {second.Message}"))
            : fault;
    }

    private Result<string> Export(RunEnding ending) => Written(ending).Match(Result.Ok, fault => (Result<string>)Kept(fault, ending));

    private string Exported => trainsAdapter ? run.Folder.Adapter : run.Folder.Export;

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

    private static string Shell(string path) =>
        path.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '.' or '-' or '_') ? path : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
