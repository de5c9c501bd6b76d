using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Optimizers.Gram;

/// <summary>Settings of <c>gns</c>.</summary>
public sealed record GnsSettings
{
    /// <summary>γ at the beginning.</summary>
    [Description("The first radius: without curvature the length of the first step that is tried. It doubles after a step that was taken and halves after one that was not, so that a wrong one costs a few tries.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double Radius { get; init; } = 1;

    /// <summary>The smallest radius after a step.</summary>
    [Description("The smallest radius after a step that was taken.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double RadiusMin { get; init; } = 1e-9;

    /// <summary>Radii in one update.</summary>
    [Description("Radii that are tried in one update, each half of the one before; each costs the evaluations and backwards of a step. When all fail the weights stay.")]
    [Range(1, 100)]
    public int Tries { get; init; } = 40;

    /// <summary>H.</summary>
    [Description("The curvature: none (steps along the gradient, of the radius' length), or rows (the mean of g gT over the losses of the micro-batches; memory holds one gradient for each while a step is made).")]
    public GnsCurvature Curvature { get; init; }

    /// <summary>When losses are too alike to compare.</summary>
    [Description("Tries end when the loss changes by less than this share of itself: below it the comparison is one of roundings. 0 never ends them so.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Flat { get; init; } = 1e-6;

    /// <summary>How gradients are kept.</summary>
    [Description("How the gradients of micro-batches are kept within a step: float32, or bfloat16 in half the memory.")]
    public RowPrecision Precision { get; init; }
}

/// <summary>What a curvature is made of.</summary>
public enum GnsCurvature
{
    /// <summary>There is none.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>The gradients of the losses of a step.</summary>
    [JsonStringEnumMemberName("rows")]
    Rows,
}
