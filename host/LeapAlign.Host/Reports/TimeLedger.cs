namespace LeapAlign.Host.Reports;

/// <summary>
/// Where the time of a run went. F is one evaluation of the velocity network on a whole micro-batch for each sample of it; the ledger is the number of F times the
/// time of one, against the whole step.
/// </summary>
/// <param name="Steps">Steps that were timed.</param>
/// <param name="Seconds">Seconds of all steps.</param>
/// <param name="Stages">Seconds of each stage over all steps, the longest first; what no stage covers is <c>between stages</c>.</param>
/// <param name="Evaluations">F of all steps.</param>
/// <param name="GradientEvaluations">Those of them that were recorded for a backward.</param>
/// <param name="VelocitySeconds">Seconds of the velocity network over all steps, forward.</param>
/// <param name="EvaluationSeconds">Seconds of the run's evaluations and their previews, which are not part of its steps.</param>
internal sealed record TimeLedger(
    int Steps, double Seconds, IReadOnlyList<StageTime> Stages, double Evaluations, double GradientEvaluations, double VelocitySeconds, double EvaluationSeconds)
{
    /// <summary>Seconds of one step.</summary>
    public double SecondsPerStep => Steps == 0 ? 0 : Seconds / Steps;

    /// <summary>F of one step.</summary>
    public double EvaluationsPerStep => Steps == 0 ? 0 : Evaluations / Steps;

    /// <summary>Seconds of one F.</summary>
    public double SecondsPerEvaluation => Evaluations == 0 ? 0 : VelocitySeconds / Evaluations;

    /// <summary>The part of a step that its F take, forward.</summary>
    public double Share => Seconds == 0 ? 0 : VelocitySeconds / Seconds;

    /// <summary>Adds up a run.</summary>
    public static TimeLedger Of(RecordedRun run)
    {
        var seconds = run.Steps.Sum(static step => step.Timings.Seconds);
        var stages = run.Steps.SelectMany(static step => step.Timings.Stages)
            .GroupBy(static stage => stage.Key)
            .Select(static stage => new StageTime(stage.Key, stage.Sum(static part => part.Value)))
            .ToList();
        var between = seconds - stages.Sum(static stage => stage.Seconds);
        if (between > 0) stages.Add(new StageTime("between stages", between));
        return new TimeLedger(
            run.Steps.Count,
            seconds,
            [.. stages.OrderByDescending(static stage => stage.Seconds)],
            run.Steps.Sum(static step => step.Evaluations) * run.Accumulation,
            run.Steps.Sum(static step => step.GradientEvaluations) * run.Accumulation,
            stages.Where(static stage => stage.Name == "velocity").Sum(static stage => stage.Seconds),
            run.Evaluations.Sum(static evaluation => evaluation.Timings.Seconds) + run.Previews.Sum(static preview => preview.Timings.Seconds));
    }
}

/// <summary>A stage and its seconds over all steps.</summary>
internal sealed record StageTime(string Name, double Seconds);
