using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Algorithms.FewSteps.Reflow;

/// <summary>Settings of <c>reflow-distill</c>.</summary>
public sealed record ReflowDistillSettings : MatchingSettings
{
    /// <summary>k.</summary>
    [Description("Euler steps k that the model is to draw in: the noise levels at which they begin, 1, 1 - 1/k, ..., 1/k, are trained, each as often as the others.")]
    [Range(1, 1000)]
    public int Steps { get; init; } = 1;

    /// <summary>s.</summary>
    [Description("The static shift s of these levels, S(u) = s u / (1 + (s-1) u): that of the grid that the model will be drawn on. 1 leaves them evenly spaced.")]
    [Range(0.01, 100)]
    public double Shift { get; init; } = 1;

    /// <inheritdoc/>
    internal override double Level(double quantile)
    {
        var level = (double)(Steps - Math.Min(Steps - 1, (int)(quantile * Steps))) / Steps;
        return Shift * level / (1 + ((Shift - 1) * level));
    }
}
