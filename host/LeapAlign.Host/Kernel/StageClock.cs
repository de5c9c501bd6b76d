using System.Diagnostics;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Host.Telemetry.Spans;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>
/// Where the time of a step goes, and the F-ledger: how many network evaluations it took. Stages do not nest: time inside one that is entered from
/// another counts for the inner one alone, so that the stages add up to the step.
/// </summary>
/// <param name="spans">The spans of the stages; none where the clock measures no run.</param>
/// <param name="time">What it reads; the system's clock when absent.</param>
internal sealed class StageClock(KernelSpans? spans = null, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Dictionary<string, long> _ticks = [];
    private readonly Stack<string> _open = new();
    private long _since;
    private volatile StageEntry? _entry;
    private WeakReference<Exception>? _blamed;
    private string? _failed;

    /// <summary>The spans of the stages.</summary>
    public KernelSpans Spans { get; } = spans ?? KernelSpans.None;

    /// <summary>The innermost stage that an exception came out of, or that which it wraps; null when it came out of none.</summary>
    public string? StageOf(Exception exception) => IsBlamed(exception) ? _failed : null;

    /// <summary>The innermost stage, the reward that scores in it, and the seconds since it was entered or came to the front again; null between stages. Any thread may ask.</summary>
    public (string Name, string? Part, double Seconds)? UnderWay => _entry is { } entry ? (entry.Name, entry.Part, _time.GetElapsedTime(entry.Since).TotalSeconds) : null;

    /// <summary>Is told where the run is; null when nobody needs to know that after its end.</summary>
    public StageMark? Mark { get; set; }

    /// <summary>Network evaluations of a whole batch so far: one velocity under guidance counts two, one of half a batch counts half.</summary>
    public double Evaluations { get; private set; }

    /// <summary>Those of them that were recorded for a backward.</summary>
    public double GradientEvaluations { get; private set; }

    /// <summary>Runs a stage.</summary>
    /// <param name="stage">Its name.</param>
    /// <param name="body">The stage.</param>
    /// <param name="describe">Says on the span, if there is one, what came out.</param>
    public T Measure<T>(string stage, Func<T> body, Action<Activity, T>? describe = null) => Measure(stage, Spans.Open(stage), body, describe);

    /// <summary>Runs the stage <c>score</c> of one reward.</summary>
    public T Score<T>(RewardPlan reward, Func<T> body) => Measure("score", Spans.OpenScore(reward), () =>
    {
        _entry = _entry! with { Part = reward.Part.Name };
        Mark?.Stage("score", reward.Part.Name);
        return body();
    }, null);

    /// <summary>Runs the stage <c>velocity</c>, and counts it.</summary>
    public Tensor Evaluate(NetworkCall call, Func<Tensor> body)
    {
        Evaluations += call.Evaluations;
        if (call.Gradient) GradientEvaluations += call.Evaluations;
        return Measure("velocity", Spans.OpenEvaluation(call), body, null);
    }

    /// <summary>Runs a stage.</summary>
    public void Measure(string stage, Action body) => Measure(stage, () =>
    {
        body();
        return true;
    });

    /// <summary>Goes on counting from a ledger that was saved.</summary>
    public void Resume(double evaluations, double gradient) => (Evaluations, GradientEvaluations) = (evaluations, gradient);

    /// <summary>Seconds by stage since the last call, and starts anew.</summary>
    public IReadOnlyDictionary<string, double> Take()
    {
        var seconds = _ticks.ToDictionary(static pair => pair.Key, pair => (double)pair.Value / _time.TimestampFrequency);
        _ticks.Clear();
        return seconds;
    }

    private T Measure<T>(string stage, StageSpan span, Func<T> body, Action<Activity, T>? describe)
    {
        Enter(stage);
        try
        {
            var result = body();
            if (describe is not null && span.Activity is { } activity) describe(activity, result);
            return result;
        }
        catch (Exception exception) when (Blame(stage, span, exception))
        {
            throw;
        }
        finally
        {
            Leave();
            span.Close();
        }
    }

    // A filter that never catches: it runs before the stack is unwound, innermost stage first.
    private bool Blame(string stage, StageSpan span, Exception exception)
    {
        var known = IsBlamed(exception);
        span.Fail(exception, innermost: !known);
        if (!known) _failed = stage;
        // What wraps an exception on its way out takes the blame over.
        _blamed = new WeakReference<Exception>(exception);
        return false;
    }

    private bool IsBlamed(Exception exception)
    {
        if (_blamed is null || !_blamed.TryGetTarget(out var blamed)) return false;
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (ReferenceEquals(inner, blamed)) return true;
        }
        return false;
    }

    private void Enter(string stage)
    {
        Charge();
        _open.Push(stage);
        _entry = new StageEntry(stage, null, _since);
        Mark?.Stage(stage, null);
    }

    private void Leave()
    {
        Charge();
        _open.Pop();
        _entry = _open.TryPeek(out var outer) ? new StageEntry(outer, null, _since) : null;
        // Between stages the last one is the best that is known.
        if (outer is not null) Mark?.Stage(outer, null);
    }

    private void Charge()
    {
        var now = _time.GetTimestamp();
        if (_open.TryPeek(out var stage)) _ticks[stage] = _ticks.GetValueOrDefault(stage) + now - _since;
        _since = now;
    }

    private sealed record StageEntry(string Name, string? Part, long Since);
}
