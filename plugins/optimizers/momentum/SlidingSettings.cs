using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Settings of <c>gradient-sliding</c>.</summary>
public sealed record SlidingSettings
{
    /// <summary>L.</summary>
    [Description("L, the largest curvature of the loss: steps are about as long as the gradient over its root times that of strong. Too small a value diverges, and nothing finds it out.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double Smooth { get; init; } = 1e4;

    /// <summary>μ.</summary>
    [Description("The strength of the decay, half of it times the squared distance from where decay says; at most smooth.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double Strong { get; init; } = 1;

    /// <summary>b.</summary>
    [Description("Where weights decay to: start (those that training began with) or zero.")]
    public DecayTarget Decay { get; init; }

    /// <summary>The factor of h.</summary>
    [Description("The factor of the penalty, whose subgradients cost no evaluation: each step asks once for the gradient of the loss and many times for these.")]
    [Range(0, 1e12)]
    public double Sparsity { get; init; }

    /// <summary>h.</summary>
    [Description("The penalty: l1 (the sum of absolute values) or ranks (the sum of lengths of slices along the shorter side of each matrix, those of an adapter's ranks, which die out as wholes).")]
    public PenaltyKind Penalty { get; init; }

    /// <summary>T0.</summary>
    [Description("Steps of the penalty for the first gradient of the loss; they grow as the error falls.")]
    [Range(2, 100_000)]
    public int Inner { get; init; } = 8;

    /// <summary>The most.</summary>
    [Description("The most of them.")]
    [Range(2, 10_000_000)]
    public int InnerCap { get; init; } = 1000;
}

/// <summary>Where weights decay to.</summary>
public enum DecayTarget
{
    /// <summary>Where training began.</summary>
    [JsonStringEnumMemberName("start")]
    Start,

    /// <summary>Zero.</summary>
    [JsonStringEnumMemberName("zero")]
    Zero,
}

/// <summary>A penalty.</summary>
public enum PenaltyKind
{
    /// <summary>The sum of absolute values.</summary>
    [JsonStringEnumMemberName("l1")]
    L1,

    /// <summary>The sum of lengths of slices along the shorter side.</summary>
    [JsonStringEnumMemberName("ranks")]
    Ranks,
}
