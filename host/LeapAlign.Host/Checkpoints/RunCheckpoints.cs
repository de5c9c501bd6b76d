using System.Diagnostics;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Checkpoints;

/// <summary>
/// The checkpoints that a run takes: states are copied between two steps and written while the next one computes, one checkpoint at a time. Metrics up to it
/// are on the disk before it is.
/// </summary>
/// <param name="store">Where they go.</param>
/// <param name="settings">When, and how many are kept.</param>
/// <param name="identity">What the run computes with.</param>
/// <param name="metrics">The metrics of the run.</param>
/// <param name="time">The clock of their time stamps.</param>
internal sealed class RunCheckpoints(CheckpointStore store, CheckpointSettings settings, RunIdentity identity, MetricsFile metrics, TimeProvider time) : IDisposable
{
    private readonly Snapshot _snapshot = new();
    private readonly BackgroundWriter _writer = new();
    private CheckpointReport? _written;

    /// <summary>The step of the newest checkpoint of this process, complete or being written; null before the first.</summary>
    public int? At { get; set; }

    /// <summary>The reward whose best evaluation is kept.</summary>
    public string? Best => settings.Best;

    /// <summary>Whether a number of steps is one after which a checkpoint is taken.</summary>
    public bool IsDue(int done, int steps) => settings.Every >= 0 && At != done && (done == steps || (settings.Every > 0 && done > 0 && done % settings.Every == 0));

    /// <summary>Whether checkpoints are taken at all.</summary>
    public bool IsOn => settings.Every >= 0;

    /// <summary>Copies all states and begins to write them; waits first for the checkpoint before it.</summary>
    /// <returns>The fault of the one before.</returns>
    public Result<Unit> Take(RunProgress progress, IEnumerable<(string Name, IStateful State)> states)
    {
        var started = Stopwatch.GetTimestamp();
        var before = _writer.Wait();
        if (!before.IsOk) return before;
        var copies = _snapshot.Take(states);
        var manifest = identity.Manifest(progress with { MetricsBytes = metrics.Length }, time.GetUtcNow());
        var standstill = Stopwatch.GetElapsedTime(started).TotalSeconds;
        At = progress.Done;
        _writer.Begin(() =>
        {
            var begun = Stopwatch.GetTimestamp();
            return from flushed in metrics.FlushToDisk()
                   from bytes in store.Write(manifest, copies)
                   from removed in store.Prune(settings.Keep, progress.Best?.Step)
                   select Remember(new CheckpointReport(progress.Done, bytes, standstill, Stopwatch.GetElapsedTime(begun).TotalSeconds));
        });
        return Unit.Value;
    }

    /// <summary>The checkpoint that was completed since the last call; null when none was.</summary>
    /// <returns>Its fault.</returns>
    public Result<CheckpointReport?> Completed() => _writer.IsWriting ? Result.Ok<CheckpointReport?>(null) : _writer.Wait().Map(_ => Interlocked.Exchange(ref _written, null));

    /// <summary>Waits until nothing is being written.</summary>
    public Result<CheckpointReport?> Finish() => _writer.Wait().Map(_ => Interlocked.Exchange(ref _written, null));

    public void Dispose()
    {
        _writer.Dispose();
        _snapshot.Dispose();
    }

    private Unit Remember(CheckpointReport report)
    {
        Interlocked.Exchange(ref _written, report);
        return Unit.Value;
    }
}
