using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Rewards;

namespace LeapAlign.Algorithms.Direct;

/// <summary>Settings of <c>drtune</c> (DRTune, arXiv 2405.00760).</summary>
public sealed record DrtuneSettings : RewardLossSettings
{
    /// <summary>K.</summary>
    [Description("Steps K that are trained, equally spaced from a random start among those executed; all of them where there are fewer.")]
    [Range(1, 1000)]
    public int TrainedSteps { get; init; } = 3;

    /// <summary>The share of the schedule within which the rollout may stop.</summary>
    [Description("The rollout stops at one of the last M = round(ratio N) steps, drawn uniformly, and the reward sees the prediction from there; 0 always goes to the last step.")]
    [Range(0, 1)]
    public double EarlyStopRatio { get; init; } = 0.4;

    /// <summary>M, instead of the ratio.</summary>
    [Description("M itself, instead of the ratio; null takes the ratio.")]
    [Range(0, 1000)]
    public int? EarlyStopSteps { get; init; }
}
