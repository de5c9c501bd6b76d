using System.Diagnostics;

namespace LeapAlign.Host.Kernel;

/// <summary>
/// Where the time of a step goes, and the F-ledger: how many network evaluations it took. Stages do not nest: time inside one that is entered from
/// another counts for the inner one alone, so that the stages add up to the step.
/// </summary>
internal sealed class StageClock
{
    private readonly Dictionary<string, long> _ticks = [];
    private readonly Stack<string> _open = new();
    private long _since;
    private volatile StageEntry? _entry;

    /// <summary>The innermost stage that an exception came out of; null when none did.</summary>
    public string? Failed { get; private set; }

    /// <summary>The part that works in the innermost stage, where more than one could; null when the stage says it all.</summary>
    public string? Part
    {
        get => _entry?.Part;
        set => _entry = _entry is { } entry ? entry with { Part = value } : null;
    }

    /// <summary>The innermost stage and the seconds since it was entered or came to the front again; null between stages. Any thread may ask.</summary>
    public (string Name, string? Part, double Seconds)? UnderWay => _entry is { } entry ? (entry.Name, entry.Part, Stopwatch.GetElapsedTime(entry.Since).TotalSeconds) : null;

    /// <summary>Network evaluations of a whole batch so far: one velocity under guidance counts two, one of half a batch counts half.</summary>
    public double Evaluations { get; private set; }

    /// <summary>Those of them that were recorded for a backward.</summary>
    public double GradientEvaluations { get; private set; }

    /// <summary>Runs a stage.</summary>
    public T Measure<T>(string stage, Func<T> body)
    {
        Enter(stage);
        try
        {
            return body();
        }
        catch when (Blame(stage))
        {
            throw;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Runs a stage.</summary>
    public void Measure(string stage, Action body) => Measure(stage, () =>
    {
        body();
        return true;
    });

    /// <summary>Counts network evaluations.</summary>
    public void Count(double evaluations, bool gradient)
    {
        Evaluations += evaluations;
        if (gradient) GradientEvaluations += evaluations;
    }

    /// <summary>Goes on counting from a ledger that was saved.</summary>
    public void Resume(double evaluations, double gradient) => (Evaluations, GradientEvaluations) = (evaluations, gradient);

    /// <summary>Seconds by stage since the last call, and starts anew.</summary>
    public IReadOnlyDictionary<string, double> Take()
    {
        var seconds = _ticks.ToDictionary(static pair => pair.Key, static pair => (double)pair.Value / Stopwatch.Frequency);
        _ticks.Clear();
        return seconds;
    }

    // A filter that never catches: it runs before the stack is unwound, innermost stage first.
    private bool Blame(string stage)
    {
        Failed ??= stage;
        return false;
    }

    private void Enter(string stage)
    {
        Charge();
        _open.Push(stage);
        _entry = new StageEntry(stage, null, _since);
    }

    private void Leave()
    {
        Charge();
        _open.Pop();
        _entry = _open.TryPeek(out var outer) ? new StageEntry(outer, null, _since) : null;
    }

    private void Charge()
    {
        var now = Stopwatch.GetTimestamp();
        if (_open.TryPeek(out var stage)) _ticks[stage] = _ticks.GetValueOrDefault(stage) + now - _since;
        _since = now;
    }

    private sealed record StageEntry(string Name, string? Part, long Since);
}
