using System.Diagnostics;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Checkpoints;

/// <summary>
/// The checkpoints that a run takes: states are copied between two steps and written while the next one computes, one checkpoint at a time. Metrics up to it
/// are on the disk before it is.
/// </summary>
/// <param name="places">Where they go, and where the state before a step goes that went wrong.</param>
/// <param name="settings">When, and how many are kept.</param>
/// <param name="identity">What the run computes with.</param>
/// <param name="metrics">The metrics of the run.</param>
/// <param name="time">The clock of their time stamps.</param>
internal sealed class RunCheckpoints((CheckpointStore Checkpoints, CheckpointStore Faults) places, CheckpointSettings settings, RunIdentity identity, MetricsFile metrics, TimeProvider time) : IDisposable
{
    private const int KeptFaults = 3;
    private readonly Snapshot _snapshot = new();
    private readonly BackgroundWriter _writer = new();
    private (CheckpointStore Checkpoints, CheckpointStore Faults) _stores = places;
    private CheckpointReport? _written;

    /// <summary>The step of the newest checkpoint of this process, complete or being written; null before the first, and when it could not be written.</summary>
    public int? At { get; set; }

    /// <summary>The reward whose best evaluation is kept.</summary>
    public string? Best => settings.Best;

    /// <summary>Whether a number of steps is one after which a checkpoint is taken.</summary>
    public bool IsDue(int done, int steps) => At != done && IsPlanned(settings, done, steps);

    /// <summary>Whether the settings ask for a checkpoint after a number of steps.</summary>
    public static bool IsPlanned(CheckpointSettings settings, int done, int steps) => settings.Every >= 0 && (done == steps || (settings.Every > 0 && done > 0 && done % settings.Every == 0));

    /// <summary>Whether checkpoints are taken at all.</summary>
    public bool IsOn => settings.Every >= 0;

    /// <summary>Copies all states and begins to write them; waits first for the checkpoint before it.</summary>
    /// <returns>The fault of the one before.</returns>
    public Result<Unit> Take(RunProgress progress, IEnumerable<(string Name, IStateful State)> states)
    {
        var started = Stopwatch.GetTimestamp();
        var before = Wait();
        if (!before.IsOk) return before;
        var copies = _snapshot.Take(states);
        var manifest = identity.Manifest(progress with { MetricsBytes = metrics.Length }, time.GetUtcNow());
        var standstill = Stopwatch.GetElapsedTime(started).TotalSeconds;
        At = progress.Done;
        _writer.Begin(() =>
        {
            var begun = Stopwatch.GetTimestamp();
            var written = KernelSpans.WriteCheckpoint(progress.Done, () =>
                from flushed in metrics.FlushToDisk()
                from bytes in _stores.Checkpoints.Write(manifest, copies)
                from removed in _stores.Checkpoints.Prune(settings.Keep, progress.Best?.Step)
                select bytes);
            return written.Map(bytes => Remember(new CheckpointReport(progress.Done, bytes, standstill, Stopwatch.GetElapsedTime(begun).TotalSeconds)));
        });
        return Unit.Value;
    }

    /// <summary>Writes down what was wrong in a step, with the state before it, so that it can be done again alone (<c>replay</c>).</summary>
    /// <param name="progress">The counters before the step.</param>
    /// <param name="states">The states before the step; null when they are kept elsewhere, or the step had changed them already.</param>
    /// <param name="fault">What was wrong.</param>
    public Result<Unit> Keep(RunProgress progress, IEnumerable<(string Name, IStateful State)>? states, Fault fault)
    {
        if (!IsOn) return Unit.Value;
        var step = progress.Done + 1;
        return from before in Wait()
               from written in states is null ? 0L : _stores.Faults.Write(identity.Manifest(progress with { MetricsBytes = metrics.Length }, time.GetUtcNow()), _snapshot.Take(states))
               from pruned in _stores.Faults.Prune(KeptFaults)
               from told in FaultRecord.Write($"{_stores.Faults.PathOf(step)}.json", new FaultRecord(step, fault.Code, fault.Message), _stores.Faults.Disk)
               select told;
    }

    /// <summary>The checkpoint that was completed since the last call; null when none was.</summary>
    /// <returns>Its fault.</returns>
    public Result<CheckpointReport?> Completed() => _writer.IsWriting ? Result.Ok<CheckpointReport?>(null) : Wait().Map(_ => Interlocked.Exchange(ref _written, null));

    /// <summary>Waits until nothing is being written.</summary>
    public Result<CheckpointReport?> Finish() => Wait().Map(_ => Interlocked.Exchange(ref _written, null));

    /// <summary>The next ones go to another place, where there are none of this run so far. Nothing may be being written.</summary>
    public void GoOnIn((CheckpointStore Checkpoints, CheckpointStore Faults) stores)
    {
        _stores = stores;
        At = null;
    }

    public void Dispose()
    {
        _writer.Dispose();
        _snapshot.Dispose();
    }

    private Result<Unit> Wait()
    {
        var waited = _writer.Wait();
        if (!waited.IsOk) At = null;
        return waited;
    }

    private Unit Remember(CheckpointReport report)
    {
        Interlocked.Exchange(ref _written, report);
        return Unit.Value;
    }
}
