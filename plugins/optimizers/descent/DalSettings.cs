using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Optimizers.Descent;

/// <summary>Settings of <c>dal</c>.</summary>
public sealed record DalSettings
{
    /// <summary>p.</summary>
    [Description("The power p of rate = 2 / rho^p, rho being the curvature along the gradient: 1 follows it fully, 0.5 takes longer steps where it is above 1, which it is under rewards of pictures.")]
    [Range(0, 1.0, MinimumIsExclusive = true)]
    public double Power { get; init; } = 1;

    /// <summary>The largest rate.</summary>
    [Description("The largest rate, which is taken where the gradient does not change along itself. Where the algorithm has parameters of its own and says their rate, that is their largest.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double RateMax { get; init; } = 5;

    /// <summary>How far ahead the gradient is asked for.</summary>
    [Description("How far from the weights, along the gradient, the second gradient is taken. Gradients of bfloat16 networks need a larger one.")]
    [Range(0, 1e3, MinimumIsExclusive = true)]
    public double Reach { get; init; } = 0.01;

    /// <summary>μ.</summary>
    [Description("The share of the last step's direction in this one: direction = momentum * direction + gradient. 0 descends along the gradient, for which the rate is derived.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Momentum { get; init; }
}
