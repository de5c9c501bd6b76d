using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Rewards;

namespace LeapAlign.Algorithms.Direct;

/// <summary>Settings of <c>draft</c>.</summary>
public sealed record DraftSettings : RewardLossSettings
{
    /// <summary>K.</summary>
    [Description("K: how many steps at the end of the path carry gradient. Their activations are held together unless checkpoint is set.")]
    [Range(1, 1000)]
    public int GradientSteps { get; init; } = 1;

    /// <summary>n.</summary>
    [Description("n > 0 is DRaFT-LV: beside the last step, n more from fresh noise on its prediction, each decoded and scored; the gradient is their mean. Needs gradientSteps 1; the published n is 2.")]
    [Range(0, 64)]
    public int ReNoised { get; init; }

    /// <summary>Whether steps are evaluated again instead of held.</summary>
    [Description("Whether the K steps are evaluated without gradient first and again with it one by one, backwards: the same gradient for K more evaluations, with the activations of one.")]
    public bool Checkpoint { get; init; }
}

/// <summary>Settings of <c>full</c>: its loss.</summary>
public sealed record FullSettings : RewardLossSettings;
