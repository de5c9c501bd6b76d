using LeapAlign.Host.Composition;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Host.Telemetry.Spans;

namespace LeapAlign.Host.Kernel.Stages;

/// <summary>A stage: a named part of a step or of an evaluation.</summary>
/// <param name="Name">Its name in metrics, spans and faults.</param>
internal readonly record struct Stage(string Name)
{
    /// <summary>The reward that scores in it; null where none does.</summary>
    public RewardPlan? Reward { get; private init; }

    /// <summary>The evaluation of the network that it is; null where it is none.</summary>
    public NetworkCall? Call { get; private init; }

    /// <summary>A reward scores.</summary>
    public static Stage Score(RewardPlan reward) => new("score") { Reward = reward };

    /// <summary>The network is evaluated.</summary>
    public static Stage Velocity(NetworkCall call) => new("velocity") { Call = call };
}

/// <summary>Hears of stages, on the thread of the run.</summary>
internal interface IStageListener
{
    /// <summary>A step begins.</summary>
    /// <param name="step">From 1.</param>
    void Begins(int step)
    {
    }

    /// <summary>A stage begins, inside the one that began last and is not over.</summary>
    void Entered(in Stage stage);

    /// <summary>The innermost stage is over.</summary>
    /// <param name="outer">The stage that comes to the front again; null where none was around it.</param>
    void Left(in Stage? outer);

    /// <summary>An open stage has something to say of itself.</summary>
    /// <param name="depth">How many stages are around it.</param>
    /// <param name="what">What it says.</param>
    /// <param name="value">Its value.</param>
    void Noted(int depth, AttributeDefinition what, object? value)
    {
    }

    /// <summary>An exception is about to leave an open stage.</summary>
    /// <param name="depth">How many stages are around it.</param>
    /// <param name="exception">The exception.</param>
    /// <param name="innermost">Whether it comes from here, and not from a stage inside.</param>
    void Failed(int depth, Exception exception, bool innermost)
    {
    }
}

/// <summary>
/// The stages of a run that are open, one inside the other, and who hears of them: seconds and evaluations always, and what was added, as spans, the witness and
/// the watchdog. It knows which stage an exception came out of.
/// </summary>
internal sealed class OpenStages
{
    private readonly List<IStageListener> _listeners;
    private readonly List<Stage> _open = [];
    private WeakReference<Exception>? _blamed;
    private string? _failed;

    /// <summary>Begins without a stage.</summary>
    /// <param name="time">What seconds are read from; the system's clock when absent.</param>
    public OpenStages(TimeProvider? time = null)
    {
        Times = new StageTimes(time ?? TimeProvider.System);
        _listeners = [Times, Ledger];
    }

    /// <summary>Seconds by stage.</summary>
    public StageTimes Times { get; }

    /// <summary>Evaluations of the network.</summary>
    public EvaluationLedger Ledger { get; } = new();

    /// <summary>Tells one more of all stages to come.</summary>
    public void Add(IStageListener listener) => _listeners.Add(listener);

    /// <summary>The same, before all others: clocks among them are read when it has returned.</summary>
    public void AddFirst(IStageListener listener) => _listeners.Insert(0, listener);

    /// <summary>A step begins.</summary>
    /// <param name="step">From 1.</param>
    public void Begin(int step)
    {
        foreach (var listener in _listeners) listener.Begins(step);
    }

    /// <summary>A stage begins, and is over when what is returned is disposed.</summary>
    public OpenStage Enter(string name) => Enter(new Stage(name));

    /// <inheritdoc cref="Enter(string)"/>
    public OpenStage Enter(in Stage stage)
    {
        _open.Add(stage);
        foreach (var listener in _listeners) listener.Entered(stage);
        return new OpenStage(this, _open.Count - 1);
    }

    /// <summary>Runs what code of others calls as a stage: an exception is known as the stage's even if those catch it and throw another.</summary>
    public T Run<T>(string name, Func<T> body) => Run(new Stage(name), _ => body());

    /// <inheritdoc cref="Run{T}(string, Func{T})"/>
    public T Run<T>(in Stage stage, Func<OpenStage, T> body)
    {
        using var open = Enter(stage);
        try
        {
            return body(open);
        }
        catch (Exception exception) when (Blames(exception, open.Depth))
        {
            throw;
        }
    }

    /// <summary>
    /// The filter of an exception handler around stages, which never catches: it runs before the stack is unwound, so that the innermost open stage is the one that the
    /// exception comes from.
    /// </summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="depth">The outermost stage that it leaves.</param>
    /// <returns>False.</returns>
    public bool Blames(Exception exception, int depth = 0)
    {
        if (_open.Count <= depth) return false;
        var known = IsBlamed(exception);
        for (var stage = _open.Count - 1; stage >= depth; stage--)
        {
            foreach (var listener in _listeners) listener.Failed(stage, exception, innermost: !known && stage == _open.Count - 1);
        }
        if (!known) _failed = _open[^1].Name;
        // What wraps an exception on its way out takes the blame over.
        _blamed = new WeakReference<Exception>(exception);
        return false;
    }

    /// <summary>The innermost stage that an exception came out of, or that which it wraps; null when it came out of none.</summary>
    public string? Of(Exception exception) => IsBlamed(exception) ? _failed : null;

    private bool IsBlamed(Exception exception)
    {
        if (_blamed is null || !_blamed.TryGetTarget(out var blamed)) return false;
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (ReferenceEquals(inner, blamed)) return true;
        }
        return false;
    }

    private void Note(int depth, AttributeDefinition what, object? value)
    {
        foreach (var listener in _listeners) listener.Noted(depth, what, value);
    }

    private void Leave()
    {
        _open.RemoveAt(_open.Count - 1);
        Stage? outer = _open.Count > 0 ? _open[^1] : null;
        foreach (var listener in _listeners) listener.Left(outer);
    }

    /// <summary>A stage that is open.</summary>
    internal readonly struct OpenStage(OpenStages all, int depth) : IDisposable
    {
        /// <summary>How many stages are around it.</summary>
        public int Depth => depth;

        /// <summary>Says something of the stage to whoever tells of it.</summary>
        public void Note(AttributeDefinition what, object? value) => all.Note(depth, what, value);

        public void Dispose() => all.Leave();
    }
}
