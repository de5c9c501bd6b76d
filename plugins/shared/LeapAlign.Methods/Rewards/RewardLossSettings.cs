using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Methods.Rewards;

/// <summary>The settings of a direct-gradient method's loss.</summary>
public abstract record RewardLossSettings
{
    /// <summary>λ.</summary>
    [Description("Hinge λ: a sample whose reward is at least λ contributes no gradient. 1.5 suits rewards below 1 that should never saturate; 0.55 is used with HPSv2.1.")]
    [Range(-1e6, 1e6)]
    public double Hinge { get; init; } = 1.5;

    /// <summary>κ.</summary>
    [Description("Factor κ of the loss.")]
    [Range(1e-9, 1e9)]
    public double LossScale { get; init; } = 1;
}
