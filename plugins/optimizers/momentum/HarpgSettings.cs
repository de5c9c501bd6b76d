using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Settings of <c>harpg</c>.</summary>
public sealed record HarpgSettings
{
    /// <summary>γ0.</summary>
    [Description("The length of the first step, over all trained weights together; the rate of the first step without normalized.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Gamma { get; init; } = 0.1;

    /// <summary>η0.</summary>
    [Description("The share of the newest gradient in the direction, of the first step under the published schedule.")]
    [Range(0, 1.0, MinimumIsExclusive = true)]
    public double Eta { get; init; } = 1;

    /// <summary>How both go on.</summary>
    [Description("How both go on: published (eta times 2/(t+2) in the update t from 0, and gamma times the same, or its root without normalized) or constant.")]
    public IgtSchedule Schedule { get; init; }

    /// <summary>Whether steps have a set length.</summary>
    [Description("Whether steps have the length gamma (N-HARPG), or are gamma times the direction (HARPG).")]
    public bool Normalized { get; init; } = true;

    /// <summary>Where curvature is measured.</summary>
    [Description("Where between the last weights and these the change of the gradient is measured: uniform (drawn, as published: then it is right in the mean) or middle.")]
    public HessianPlace At { get; init; }

    /// <summary>The reach of differences.</summary>
    [Description("How far from there gradients are taken for their difference, relative to the length of the weights where that is above 1. Networks in bfloat16 need a larger one.")]
    [Range(0, 1.0, MinimumIsExclusive = true)]
    public double Reach { get; init; } = 1e-3;

    /// <summary>The seed of the places.</summary>
    [Description("The seed of these places.")]
    [Range(0, long.MaxValue)]
    public long Seed { get; init; }
}

/// <summary>A place between two weights.</summary>
public enum HessianPlace
{
    /// <summary>Drawn uniformly.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary>The middle.</summary>
    [JsonStringEnumMemberName("middle")]
    Middle,
}
