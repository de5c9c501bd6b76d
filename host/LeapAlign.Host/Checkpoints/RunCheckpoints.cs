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
    private Expected? _expected;
    private CheckpointReport? _written;

    // How long the shares of other processes are waited for where the run ended with a fault: they may be being written still.
    private static readonly TimeSpan s_longestShare = TimeSpan.FromSeconds(5);

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
        var before = Settle();
        if (!before.IsOk) return before;
        var copies = _snapshot.Take(states);
        var manifest = identity.Manifest(progress with { MetricsBytes = metrics.Length }, time.GetUtcNow());
        var standstill = Stopwatch.GetElapsedTime(started).TotalSeconds;
        At = progress.Done;
        _writer.Begin(() => Write(manifest.Progress, standstill, () => _stores.Checkpoints.Write(manifest, copies)));
        return Unit.Value;
    }

    /// <summary>All processes write a share of a checkpoint; <see cref="Complete"/> makes it whole when all have. The one before it is complete.</summary>
    /// <param name="progress">The counters.</param>
    /// <param name="shares">How many there are.</param>
    /// <param name="standstill">Seconds for which the run stood still.</param>
    public void Expect(RunProgress progress, int shares, double standstill)
    {
        _expected = new Expected(identity.Manifest(progress with { MetricsBytes = metrics.Length }, time.GetUtcNow()), shares, standstill, Activity.Current?.Context ?? default);
        At = progress.Done;
    }

    /// <summary>Begins to make the checkpoint whole whose shares are all there, if one is expected.</summary>
    public void Complete()
    {
        if (_expected is not { } expected) return;
        _expected = null;
        _writer.Begin(() => Join(expected));
    }

    private Result<Unit> Join(Expected of) => Write(of.Manifest.Progress, of.Standstill, () => new CheckpointParts(_stores.Checkpoints).Join(of.Manifest, of.Shares), of.Taken);

    private Result<Unit> Write(RunProgress progress, double standstill, Func<Result<long>> write, ActivityContext taken = default)
    {
        var begun = Stopwatch.GetTimestamp();
        var written = KernelSpans.WriteCheckpoint(progress.Done, () =>
            from flushed in metrics.FlushToDisk()
            from bytes in write()
            from removed in _stores.Checkpoints.Prune(settings.Keep, progress.Best?.Step)
            select bytes, taken);
        return written.Map(bytes => Remember(new CheckpointReport(progress.Done, bytes, standstill, Stopwatch.GetElapsedTime(begun).TotalSeconds)));
    }

    /// <summary>Writes down what was wrong in a step, with the state before it, so that it can be done again alone (<c>replay</c>).</summary>
    /// <param name="progress">The counters before the step.</param>
    /// <param name="states">The states before the step; null when they are kept elsewhere, or the step had changed them already.</param>
    /// <param name="fault">What was wrong.</param>
    public Result<Unit> Keep(RunProgress progress, IEnumerable<(string Name, IStateful State)>? states, Fault fault)
    {
        if (!IsOn) return Unit.Value;
        var step = progress.Done + 1;
        // A checkpoint that other processes write their shares of goes on.
        return from before in Written()
               from written in states is null ? 0L : _stores.Faults.Write(identity.Manifest(progress with { MetricsBytes = metrics.Length }, time.GetUtcNow()), _snapshot.Take(states))
               from pruned in _stores.Faults.Prune(KeptFaults)
               from told in FaultRecord.Write($"{_stores.Faults.PathOf(step)}.json", new FaultRecord(step, fault.Code, fault.Message), _stores.Faults.Disk)
               select told;
    }

    /// <summary>The checkpoint that was completed since the last call; null when none was.</summary>
    /// <returns>Its fault.</returns>
    public Result<CheckpointReport?> Completed() => _expected is not null || _writer.IsWriting ? Result.Ok<CheckpointReport?>(null) : Settle().Map(_ => Interlocked.Exchange(ref _written, null));

    /// <summary>Waits until nothing is being written; what was written is told later.</summary>
    public Result<Unit> Settle()
    {
        var left = Written().Bind(_ => Left());
        if (!left.IsOk) At = null;
        return left;
    }

    /// <summary>Waits until nothing is being written.</summary>
    public Result<CheckpointReport?> Finish() => Settle().Map(_ => Interlocked.Exchange(ref _written, null));

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

    private Result<Unit> Written()
    {
        var written = _writer.Wait();
        if (!written.IsOk) At = null;
        return written;
    }

    // The run ended before all processes could say that their shares are there. Where one of them is not, the checkpoint before this one is the newest.
    private Result<Unit> Left()
    {
        if (_expected is not { } left) return Unit.Value;
        _expected = null;
        var (step, parts) = (left.Manifest.Progress.Done, new CheckpointParts(_stores.Checkpoints));
        for (var began = Stopwatch.GetTimestamp(); !parts.AreThere(step, left.Shares); Thread.Sleep(20))
        {
            if (Stopwatch.GetElapsedTime(began) < s_longestShare) continue;
            parts.Discard(step);
            At = null;
            return Unit.Value;
        }
        return Join(left);
    }

    private Unit Remember(CheckpointReport report)
    {
        Interlocked.Exchange(ref _written, report);
        return Unit.Value;
    }

    /// <summary>A checkpoint of which each process writes a share.</summary>
    /// <param name="Manifest">Without its files and states.</param>
    /// <param name="Shares">How many there are.</param>
    /// <param name="Standstill">Seconds for which the run stood still.</param>
    /// <param name="Taken">The span in which it was taken.</param>
    private sealed record Expected(CheckpointManifest Manifest, int Shares, double Standstill, ActivityContext Taken);
}
