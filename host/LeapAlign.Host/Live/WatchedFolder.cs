using System.Globalization;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Live;

/// <summary>A run folder that is read again and again, and what was read of it. It writes nothing. For one thread at a time.</summary>
/// <param name="folder">The folder.</param>
/// <param name="began">When the process that works in it began; null when that is not known.</param>
internal sealed class WatchedFolder(RunFolder folder, DateTimeOffset? began)
{
    private readonly MetricsReader _metrics = new(folder.Metrics);
    private EmbeddedPictures _pictures = new();
    private DateTimeOffset? _started;
    private FolderStamp? _stamp;
    private Result<RecordedRun> _run;
    private ReportData? _report;

    /// <summary>Reads what has changed since the last time.</summary>
    /// <returns>Whether anything has.</returns>
    public bool Refresh()
    {
        // Before it is read: what is written meanwhile is a change for the next time.
        var stamp = FolderStamp.Of(folder);
        if (_stamp == stamp) return false;
        _stamp = stamp;
        _report = null;
        _run = RunReader.Read(folder, () => File.Exists(folder.Metrics) ? _metrics.Read() : RunHistory.Empty).Map(OfThisProcess);
        return true;
    }

    /// <summary>How far the run is.</summary>
    public LiveState State(long revision, DateTimeOffset now)
    {
        if (!_run.TryGet(out var run, out _)) return new LiveState(revision, LivePhase.Waiting, folder.Name, 0, 0);
        var phase = run.Record?.State switch
        {
            RunState.Completed => LivePhase.Completed,
            RunState.Interrupted => LivePhase.Interrupted,
            RunState.Faulted => LivePhase.Faulted,
            RunState.Died => LivePhase.Died,
            _ => folder.IsLeft ? LivePhase.Died : LivePhase.Running,
        };
        double? seconds = run.Steps.Count == 0 ? null : run.Steps.TakeLast(ProgressDisplay.RecentSteps).Average(static step => step.Timings.Seconds);
        return new LiveState(revision, phase, run.Name, run.Done, run.PlannedSteps)
        {
            SecondsPerStep = seconds,
            SecondsLeft = phase == LivePhase.Running ? seconds * Math.Max(0, run.PlannedSteps - run.Done) : null,
            HeardSeconds = Math.Max(0, (now - _stamp!.Value.Heard).TotalSeconds),
        };
    }

    /// <summary>What a page draws itself from.</summary>
    /// <param name="state">How far the run is.</param>
    /// <param name="pictures">The pictures that the page has.</param>
    public LiveData Data(LiveState state, string pictures)
    {
        if (!_run.TryGet(out var run, out var fault)) return new LiveData(state, "", null, fault.ToString());
        // Another run in the same folder has other pictures under the same names.
        if (run.Record?.Started is { } started && started != _started) (_pictures, _started) = (new EmbeddedPictures(), started);
        _report ??= ReportData.Of([run], _pictures);
        var shown = _report.Runs[0].Pictures;
        var there = string.Create(CultureInfo.InvariantCulture, $"{_started?.UtcTicks}:{string.Join(';', shown.Previews.Prepend(shown).Select(static series => string.Join(',', series.Steps)))}");
        return new LiveData(state, there, there == pictures ? _report with { Runs = [_report.Runs[0] with { Pictures = PictureSeries.Empty }] } : _report, null);
    }

    // Until its first step, a run that was resumed has the record of the process before.
    private RecordedRun OfThisProcess(RecordedRun run) =>
        run.Record is { } record && record.Updated < began ? run with { Record = record with { State = RunState.Running, Fault = null } } : run;

    /// <summary>What shows that files have changed.</summary>
    private readonly record struct FolderStamp(long Length, DateTime Metrics, DateTime Record, DateTime Settings)
    {
        public DateTimeOffset Heard => new(Metrics > Record ? Metrics : Record, TimeSpan.Zero);

        public static FolderStamp Of(RunFolder folder)
        {
            var metrics = new FileInfo(folder.Metrics);
            return new FolderStamp(metrics.Exists ? metrics.Length : -1, metrics.LastWriteTimeUtc, File.GetLastWriteTimeUtc(folder.Record), File.GetLastWriteTimeUtc(folder.Resolved));
        }
    }
}
