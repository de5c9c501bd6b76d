using System.Diagnostics;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Profiling;

/// <summary>Adds up the spans of steps: how often, how long without what lies in them, and what memory they left in use. The first step does not count.</summary>
internal sealed class SpanLedger : IRunObserver, IDisposable
{
    /// <summary>The row of evaluations that are recorded for a backward.</summary>
    public const string WithGradient = "velocity, with gradient";

    private static readonly HashSet<string> s_around = [SpanSchema.Command.Name, SpanSchema.Run.Name, .. SpanSchema.Life.Select(static arrow => arrow.Name)];

    // Spans begin and end on any thread.
    private readonly Lock _lock = new();
    private readonly ActivityListener _listener;
    private readonly Dictionary<string, SpanRow> _rows = [];
    private readonly Dictionary<Activity, (long Native, TimeSpan Inner)> _open = [];
    private long _allocated;

    private readonly Device _device;

    public SpanLedger(Device device)
    {
        _device = device;
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name.StartsWith("LeapAlign.", StringComparison.Ordinal),
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStarted = Started,
            ActivityStopped = Stopped,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>What was added up, by the name of the span.</summary>
    public IReadOnlyDictionary<string, SpanRow> Rows
    {
        get
        {
            lock (_lock) return _rows.ToDictionary();
        }
    }

    /// <summary>The steps that count.</summary>
    public List<StepReport> Steps { get; } = [];

    /// <summary>Bytes that a step allocates on the managed heap, in the mean.</summary>
    public double Allocated => Steps.Count == 0 ? 0 : (GC.GetTotalAllocatedBytes() - _allocated) / (double)Steps.Count;

    /// <summary>Tensors alive after the last step.</summary>
    public long Tensors { get; private set; }

    /// <summary>Native bytes in use after the last step.</summary>
    public long Native { get; private set; }

    /// <summary>The memory of the device after the last step; null on a CPU.</summary>
    public DeviceRoom? Room { get; private set; }

    public Result<Unit> Stepped(StepReport report)
    {
        if (report.Index == 0)
        {
            lock (_lock) _rows.Clear();
            _allocated = GC.GetTotalAllocatedBytes();
            return Unit.Value;
        }
        Steps.Add(report);
        Tensors = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        Native = ProcessMemory.Native;
        Room = DeviceMemory.Of(_device);
        return Unit.Value;
    }

    public void Dispose() => _listener.Dispose();

    private void Started(Activity span)
    {
        lock (_lock) _open[span] = (ProcessMemory.Native, TimeSpan.Zero);
    }

    private void Stopped(Activity span)
    {
        lock (_lock) Close(span);
    }

    private void Close(Activity span)
    {
        if (!_open.Remove(span, out var opened)) return;
        if (span.Parent is { } around && _open.TryGetValue(around, out var outer)) _open[around] = outer with { Inner = outer.Inner + span.Duration };
        // The spans around steps are not part of one.
        if (s_around.Contains(span.OperationName)) return;
        var name = span.OperationName == SpanSchema.Velocity.Name && span.GetTagItem(Tags.Gradient.Name) is true ? WithGradient : span.OperationName;
        var row = _rows.TryGetValue(name, out var known) ? known : _rows[name] = new SpanRow();
        row.Add((span.Duration - opened.Inner).TotalSeconds, ProcessMemory.Native - opened.Native);
    }
}

/// <summary>What the spans of one name come to.</summary>
internal sealed class SpanRow
{
    private readonly List<double> _seconds = [];

    /// <summary>How many there were.</summary>
    public int Count => _seconds.Count;

    /// <summary>Their seconds, without what lies in them.</summary>
    public double Seconds => _seconds.Sum();

    /// <summary>The median of one.</summary>
    public double Median => (_seconds.Order().ElementAt(Count / 2) + _seconds.Order().ElementAt((Count - 1) / 2)) / 2;

    /// <summary>Native bytes in use after them, less those before; what lies in them included.</summary>
    public long Kept { get; private set; }

    /// <summary>Adds one.</summary>
    public void Add(double seconds, long kept)
    {
        _seconds.Add(seconds);
        Kept += kept;
    }
}
