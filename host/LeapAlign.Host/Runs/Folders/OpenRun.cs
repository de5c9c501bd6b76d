using System.Text;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Runs.Folders;

/// <summary>The folder of a run in which this process works, and no other.</summary>
internal sealed class OpenRun : IDisposable
{
    private readonly IDisposable _lock;

    private OpenRun(RunFolder folder, IDisposable held, IDisk disk, Checkpoint? from = null, RunRecord? before = null)
    {
        Held = HeldFolder.Of(folder.Path);
        (Folder, Disk, _lock, From, Before) = (folder.On(new HeldDisk(Held, disk)), disk, held, from, before);
    }

    /// <summary>The folder apart from its name.</summary>
    public HeldFolder Held { get; }

    public RunFolder Folder { get; }

    /// <summary>The disk that the folder is on, and what lies beside it.</summary>
    public IDisk Disk { get; }

    /// <summary>The checkpoint to go on from; null for a run that begins.</summary>
    public Checkpoint? From { get; }

    /// <summary>What run.json said before this process took the folder; null for a run that begins, or when it cannot be read.</summary>
    public RunRecord? Before { get; }

    /// <summary>Where states of the run go.</summary>
    public (CheckpointStore Checkpoints, CheckpointStore Faults) Stores => Folder.Stores;

    /// <summary>Makes the folder of a run that begins.</summary>
    public static Result<OpenRun> Begin(RunPlan plan, bool force, IDisk disk) =>
        RunFolder.Create(Path.GetFullPath(plan.Run.Folder, plan.BaseFolder), plan.Run.Name, force).Bind(folder => folder.Lock().Map(held => new OpenRun(folder, held, disk)));

    /// <summary>Takes the folder of a run to go on with it.</summary>
    /// <param name="resume">Which, and what may have changed.</param>
    /// <param name="identity">What it would go on with.</param>
    /// <param name="disk">The disk that it is on.</param>
    /// <param name="warn">Takes what the user should know: damaged checkpoints that were passed over, other builds.</param>
    /// <returns><see cref="FaultCodes.RunFolderTaken"/>, <see cref="FaultCodes.NoCheckpoint"/>, or <see cref="FaultCodes.ConfigurationChanged"/> with every key that changed.</returns>
    public static Result<OpenRun> Resume(ResumeOptions resume, RunIdentity identity, IDisk disk, Action<Fault> warn)
    {
        if (!resume.Folder.Lock().TryGet(out var held, out var fault)) return fault;
        var opened = from checkpoint in new CheckpointStore(resume.Folder.Checkpoints).Newest(warn)
                     from same in Unchanged(identity.ChangesSince(checkpoint.Manifest), resume)
                     select new OpenRun(resume.Folder, held, disk, checkpoint, RunRecordFile.Read(resume.Folder.Record));
        if (!opened.TryGet(out var run, out fault))
        {
            held.Dispose();
            return fault;
        }
        // Shares of a checkpoint that processes before this one did not finish.
        new CheckpointParts(run.Stores.Checkpoints).Discard();
        foreach (var build in identity.BuildsSince(run.From!.Manifest)) warn(build);
        return run;
    }

    /// <summary>Opens the metrics, and writes what the run is composed of. A run that goes on loses the lines after its checkpoint here: it writes them again.</summary>
    public Result<MetricsFile> Start(RunPlan plan, CompositionSource source) =>
        from metrics in From is null ? MetricsFile.Create(Folder.Metrics) : MetricsFile.Resume(Folder.Metrics, From.Manifest.Progress.MetricsBytes)
        from described in Describe(Folder, plan, source)
        select With(metrics);

    /// <summary>Writes into a folder of a run what it is composed of.</summary>
    public static Result<Unit> Describe(RunFolder folder, RunPlan plan, CompositionSource source) =>
        from resolved in WholeFile.Write(folder.Resolved, Encoding.UTF8.GetBytes(plan.ResolvedJson), folder.Disk)
        from origin in RunOrigin.Write(folder, source.Config, source.Set)
        select origin;

    /// <summary>What the run did before.</summary>
    public Result<RunHistory> History() => From is null ? RunHistory.Empty : RunHistory.Read(Folder.Metrics, From.Manifest.Progress.MetricsBytes);

    public void Dispose()
    {
        Held.Dispose();
        _lock.Dispose();
    }

    private MetricsFile With(MetricsFile metrics)
    {
        Held.With(metrics.Handle, Path.GetFileName(Folder.Metrics));
        return metrics;
    }

    /// <summary>Refuses keys that changed.</summary>
    /// <param name="changes">All of them.</param>
    /// <param name="resume">Says which may.</param>
    /// <returns><see cref="FaultCodes.ConfigurationChanged"/>, with every key that changed and may not.</returns>
    public static Result<Unit> Unchanged(IReadOnlyList<ChangedKey> changes, ResumeOptions resume)
    {
        var forbidden = changes.Where(change => !resume.AllowedChanges.Any(change.IsWithin)).ToList();
        if (forbidden.Count == 0) return Unit.Value;
        return new Fault.Composition(
            FaultCodes.ConfigurationChanged,
            $"the run began with other values of {string.Join(", ", forbidden)}; name each with --allow-change to go on all the same",
            new SourcePlace(resume.Folder.Path));
    }
}
