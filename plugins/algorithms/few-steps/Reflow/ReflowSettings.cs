using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Algorithms.FewSteps.Reflow;

/// <summary>Settings of <c>reflow</c>.</summary>
public sealed record ReflowSettings : MatchingSettings
{
    /// <summary>The density of noise levels.</summary>
    [Description("The density of the noise levels that are trained at: uniform, or u-shaped (most at both ends, e^(a sigma) + e^(a (1 - sigma))).")]
    public SigmaDensity Density { get; init; }

    /// <summary>a.</summary>
    [Description("How much of a u-shaped density lies at its ends, a: near 0 it is uniform.")]
    [Range(0.01, 50)]
    public double Steepness { get; init; } = 4;

    /// <inheritdoc/>
    internal override double Level(double quantile) => Density == SigmaDensity.Uniform ? quantile : UShaped(quantile, Steepness);

    /// <summary>
    /// The quantile function of the density ∝ e^{aσ} + e^{a(1−σ)} on [0, 1]. With y = e^{aσ} the distribution function is (y − e^a/y + e^a − 1) / (2(e^a − 1)), a quadratic equation in y.
    /// </summary>
    internal static double UShaped(double quantile, double steepness)
    {
        var end = Math.Exp(steepness);
        var middle = (end - 1) * ((2 * quantile) - 1);
        var root = Math.Sqrt((middle * middle) + (4 * end));
        // Of the two forms of the positive root the one that does not subtract.
        var y = middle > 0 ? (middle + root) / 2 : 2 * end / (root - middle);
        return Math.Clamp(Math.Log(y) / steepness, 0, 1);
    }
}

/// <summary>The density of noise levels.</summary>
public enum SigmaDensity
{
    /// <summary>The same everywhere.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary>Most at noise and at data.</summary>
    [JsonStringEnumMemberName("u-shaped")]
    UShaped,
}
