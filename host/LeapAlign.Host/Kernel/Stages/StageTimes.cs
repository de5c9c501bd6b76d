namespace LeapAlign.Host.Kernel.Stages;

/// <summary>
/// Where the time of a step goes. Time inside a stage that is entered from another counts for the inner one alone, so that the stages add up to the step.
/// </summary>
/// <param name="time">What it reads.</param>
internal sealed class StageTimes(TimeProvider time) : IStageListener
{
    private readonly Dictionary<string, long> _ticks = [];
    private string? _stage;
    private long _since;

    /// <summary>Seconds by stage since the last call, and starts anew.</summary>
    public IReadOnlyDictionary<string, double> Take()
    {
        var seconds = _ticks.ToDictionary(static pair => pair.Key, pair => (double)pair.Value / time.TimestampFrequency);
        _ticks.Clear();
        return seconds;
    }

    public void Entered(in Stage stage) => Charge(stage.Name);

    public void Left(in Stage? outer) => Charge(outer?.Name);

    private void Charge(string? next)
    {
        var now = time.GetTimestamp();
        if (_stage is not null) _ticks[_stage] = _ticks.GetValueOrDefault(_stage) + now - _since;
        (_stage, _since) = (next, now);
    }
}

/// <summary>The F-ledger: evaluations of the network. One velocity of a whole batch under guidance counts two, one of half a batch counts half.</summary>
internal sealed class EvaluationLedger : IStageListener
{
    /// <summary>All so far.</summary>
    public double Evaluations { get; private set; }

    /// <summary>Those of them that were recorded for a backward.</summary>
    public double GradientEvaluations { get; private set; }

    /// <summary>Both.</summary>
    public (double Evaluations, double GradientEvaluations) Count => (Evaluations, GradientEvaluations);

    /// <summary>Counts what other processes of the run evaluated.</summary>
    public void AddElsewhere(double evaluations, double gradient) => (Evaluations, GradientEvaluations) = (Evaluations + evaluations, GradientEvaluations + gradient);

    /// <summary>Goes on counting from a ledger that was saved.</summary>
    public void Resume(double evaluations, double gradient) => (Evaluations, GradientEvaluations) = (evaluations, gradient);

    public void Entered(in Stage stage)
    {
        if (stage.Call is not { } call) return;
        Evaluations += call.Evaluations;
        if (call.Gradient) GradientEvaluations += call.Evaluations;
    }

    public void Left(in Stage? outer)
    {
    }
}
