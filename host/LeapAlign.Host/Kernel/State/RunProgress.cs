using LeapAlign.Host.Kernel.Guards;

namespace LeapAlign.Host.Kernel.State;

/// <summary>How far a run is: everything between two steps that is not a tensor. It is part of every checkpoint.</summary>
internal sealed record RunProgress
{
    /// <summary>Steps done.</summary>
    public int Done { get; init; }

    /// <summary>Optimizer updates done.</summary>
    public int Updates { get; init; }

    /// <summary>The step after which the last evaluation was made; null before the first.</summary>
    public int? EvaluatedAt { get; init; }

    /// <summary>Network evaluations of a whole batch, from the ledger.</summary>
    public double Evaluations { get; init; }

    /// <summary>Those of them with gradient.</summary>
    public double GradientEvaluations { get; init; }

    /// <summary>Bytes of metrics.jsonl.</summary>
    public long MetricsBytes { get; init; }

    /// <summary>The SHA-256 of the pictures of the first evaluation; null before it, and in checkpoints of versions that did not keep it.</summary>
    public string? FirstPictures { get; init; }

    /// <summary>The state of the guard.</summary>
    public GuardState? Guard { get; init; }

    /// <summary>The state of the sentinel.</summary>
    public SentinelState? Sentinel { get; init; }

    /// <summary>What evaluations and their previews are compared with; null before the first preview.</summary>
    public DeploymentState? Deployment { get; init; }

    /// <summary>The best evaluation so far; null when none is kept.</summary>
    public BestEvaluation? Best { get; init; }
}

/// <summary>The evaluation with the highest value of the reward that <c>checkpoint.best</c> names.</summary>
/// <param name="Step">Steps done before it.</param>
/// <param name="Reward">The name of the reward.</param>
/// <param name="Value">Its mean.</param>
internal sealed record BestEvaluation(int Step, string Reward, double Value)
{
    /// <summary>An evaluation that is better than the best before it; null where it is not, or its value is not finite.</summary>
    public static BestEvaluation? Better(BestEvaluation? before, int step, string reward, double value) => double.IsFinite(value) && !(value <= before?.Value) ? new BestEvaluation(step, reward, value) : null;
}
