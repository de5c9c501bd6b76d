using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>
/// What is kept of a run whose folder was moved, removed or emptied while it went on: its state, with all that it takes to go on from there. It goes into the folder where that is now, or into a new one beside the old
/// place; at the old place nothing is made.
/// </summary>
/// <param name="kernel">What trained.</param>
/// <param name="run">Its folder as it was.</param>
/// <param name="plan">The run.</param>
/// <param name="source">What it was composed from.</param>
/// <param name="metrics">Its metrics, which are open.</param>
internal sealed class Rescue(RunKernel kernel, OpenRun run, RunPlan plan, CompositionSource source, MetricsFile metrics)
{
    /// <summary>Keeps what can be kept.</summary>
    /// <param name="lost">What became of the folder.</param>
    /// <returns>The fault that the run ends with, and where its files are now; null when there are none.</returns>
    public (Fault Fault, RunFolder? Folder) Of(LostFolder lost)
    {
        var fault = new Fault.Run(FaultCodes.RunFolderLost, lost.Words, new SourcePlace(run.Folder.Path));
        if (lost.Now is { } now)
        {
            var there = RunFolder.At(now).On(run.Disk);
            return (fault.And(Moved(there).Match(_ => $"; its state after step {kernel.Done} is there, and {There(there)}", second => $"; its state after step {kernel.Done} could not be kept there: {second.Message}")), there);
        }
        if (kernel.Done == 0) return (fault.And("; nothing was trained so far"), null);
        return New().TryGet(out var made, out var refused)
            ? (fault.And($"; what lay in it is lost, its state after step {kernel.Done} and its metrics are kept in {made.Path}: {There(made)}"), made)
            : (fault.And($"; what lay in it is lost, and its state after step {kernel.Done}, too: {refused.Message}"), null);
    }

    private static string There(RunFolder folder) => $"'leapalign train --resume {RunEnd.Shell(folder.Path)}' goes on from it";

    private Result<Unit> Moved(RunFolder to) =>
        // Where the configuration is seen from the new place.
        from origin in File.Exists(source.Config) ? RunOrigin.Write(to, source.Config, source.Set) : Unit.Value
        from kept in kernel.KeepIn(to.Stores)
        select kept;

    private Result<RunFolder> New()
    {
        var above = Path.GetDirectoryName(run.Folder.Path)!;
        while (!Directory.Exists(above)) above = Path.GetDirectoryName(above)!;
        return RunFolder.Create(above, $"{run.Folder.Name}-rescued", force: false).Bind(made =>
        {
            var folder = made.On(run.Disk);
            var filled = folder.Lock().Bind(held =>
            {
                using (held)
                {
                    return from described in OpenRun.Describe(folder, plan, source)
                           from lines in metrics.Read()
                           from written in WholeFile.Write(folder.Metrics, lines, folder.Disk)
                           from kept in kernel.KeepIn(folder.Stores)
                           select folder;
                }
            });
            if (!filled.IsOk) RunFolder.Discard(folder.Path);
            return filled;
        });
    }
}
