using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Rewards;

namespace LeapAlign.Algorithms.FlowBp.Sparse;

/// <summary>Settings of <c>flowbp-sparse</c>. The defaults are those published for SD3.5.</summary>
public sealed record SparseSettings : RewardLossSettings
{
    /// <summary>K.</summary>
    [Description("Active steps K: how many steps of the sampling path carry gradient; each is kept in memory until the backward.")]
    [Range(1, 1000)]
    public int ActiveSteps { get; init; } = 4;

    /// <summary>β.</summary>
    [Description("How strongly late steps are preferred: step i is drawn with a probability proportional to (i + 1)^lateBias; 0 is uniform.")]
    [Range(-20, 20)]
    public double LateBias { get; init; } = 1;

    /// <summary>s.</summary>
    [Description("How far the gradient of the active steps makes up for the others: 0 not at all, 1 until their weights amount to those of the whole window.")]
    [Range(0, 1)]
    public double GradientRescale { get; init; } = 0.5;

    /// <summary>ρ.</summary>
    [Description("Share of the schedule, from its end, in which active steps may lie.")]
    [Range(0.01, 1)]
    public double TailRatio { get; init; } = 1;

    /// <summary>Evaluates twice.</summary>
    [Description("Evaluates active steps once more after a rollout without gradient, as published, instead of recording them during the rollout. The gradient is the same, the cost higher.")]
    public bool Reforward { get; init; }
}
