using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Optimizers.Gram;

/// <summary>Settings of <c>sven</c>.</summary>
public sealed record SvenSettings
{
    /// <summary>The share of the way.</summary>
    [Description("The share of the way to where every condition is met by its linear model: 1 goes all of it.")]
    [Range(0, 1.0, MinimumIsExclusive = true)]
    public double Rate { get; init; } = 0.1;

    /// <summary>k.</summary>
    [Description("Singular values of the conditions' gradients that are inverted, the largest ones: at most as many as there are conditions. Null is half of the conditions, at least one.")]
    [Range(1, 4096)]
    public int? Rank { get; init; }

    /// <summary>The smallest singular value, relative to the largest.</summary>
    [Description("Singular values below this share of the largest are left out. Nearly parallel gradients with different losses give huge steps where it is small.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Rtol { get; init; } = 1e-3;

    /// <summary>κ.</summary>
    [Description("Exponent kappa: a condition's residual is its loss to the power kappa / 2. 2 takes the loss itself, which suits a hinge; 1 suits a squared error.")]
    [Range(0, 16.0, MinimumIsExclusive = true)]
    public double Kappa { get; init; } = 2;

    /// <summary>Rows of a condition.</summary>
    [Description("Micro-batches that are averaged into one condition, neighbours in the step: 1 makes each a condition, run.group with batches of one picture makes each prompt one. Memory holds one gradient for each condition.")]
    [Range(1, 4096)]
    public int RowsPerCondition { get; init; } = 1;

    /// <summary>The longest update.</summary>
    [Description("The largest Euclidean length of an update; longer ones are shortened to it. 0 sets no limit.")]
    [Range(0, 1e12)]
    public double MaxUpdateNorm { get; init; }

    /// <summary>How gradients are kept.</summary>
    [Description("How the gradients of conditions are kept within a step: float32, or bfloat16 in half the memory. What is computed of them is in fp64 either way.")]
    public RowPrecision Precision { get; init; }
}
