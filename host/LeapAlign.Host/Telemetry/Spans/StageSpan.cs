using System.Diagnostics;
using LeapAlign.Host.Telemetry.Schema;

namespace LeapAlign.Host.Telemetry.Spans;

/// <summary>
/// A stage that is under way: a span, an event on the span around it, a duration of its part, or nothing of these where nobody listens. It is a value, so that
/// nothing is allocated then.
/// </summary>
internal readonly struct StageSpan
{
    private readonly Activity? _span;
    private readonly Activity? _around;
    private readonly PluginTelemetry? _part;
    private readonly SpanDefinition? _definition;
    private readonly NetworkCall _call;
    private readonly long _started;

    private StageSpan(SpanDefinition? definition, Activity? span, Activity? around, PluginTelemetry? part, NetworkCall call)
    {
        (_definition, _span, _around, _part, _call) = (definition, span, around, part, call);
        if (around is not null || part is not null) _started = Stopwatch.GetTimestamp();
    }

    /// <summary>The span, for its attributes.</summary>
    public Activity? Activity => _span;

    /// <summary>A stage with a span of its own, if somebody listens to the source.</summary>
    public static StageSpan Of(SpanDefinition definition, ActivitySource source, PluginTelemetry? part) =>
        new(definition, source.StartActivity(definition.Name), null, Timed(part), default);

    /// <summary>An evaluation that becomes an event on the span around it.</summary>
    public static StageSpan EventOf(NetworkCall call, Activity around, PluginTelemetry? part) => new(SpanSchema.Velocity, null, around, Timed(part), call);

    /// <summary>The stage threw.</summary>
    /// <param name="exception">What it threw.</param>
    /// <param name="innermost">Whether it came from here: then it is recorded, and each span around this one is only marked.</param>
    public void Fail(Exception exception, bool innermost)
    {
        if (_span is null) return;
        var code = Failures.CodeOf(exception);
        _span.Fail(code, exception.Message);
        if (innermost) _span.AddException(exception, new TagList { { Tags.Error.Name, code } });
    }

    /// <summary>The stage is over.</summary>
    public void Close()
    {
        if (_part is not null)
            _part.Durations.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, new KeyValuePair<string, object?>(Tags.Operation.Name, _definition!.Name));
        if (_around is not null)
        {
            var elapsed = Stopwatch.GetElapsedTime(_started);
            var tags = new ActivityTagsCollection { [Tags.Gradient.Name] = _call.Gradient, [Tags.Evaluations.Name] = _call.Evaluations, [Tags.Seconds.Name] = elapsed.TotalSeconds };
            if (_call.Sigma is { } sigma) tags[Tags.Sigma.Name] = sigma;
            _around.AddEvent(new ActivityEvent(_definition!.Name, TimeProvider.System.GetUtcNow() - elapsed, tags));
        }
        _span?.Dispose();
    }

    private static PluginTelemetry? Timed(PluginTelemetry? part) => part is { Durations.Enabled: true } ? part : null;
}

/// <summary>One evaluation of the network, as telemetry tells it.</summary>
/// <param name="Evaluations">Of a whole batch: two under guidance, half for half a batch.</param>
/// <param name="Gradient">Whether it is recorded for a backward.</param>
/// <param name="Batch">Samples.</param>
/// <param name="Sigma">The noise level; null where samples have different ones.</param>
internal readonly record struct NetworkCall(double Evaluations, bool Gradient, int Batch, double? Sigma);
