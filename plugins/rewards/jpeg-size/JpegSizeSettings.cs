using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Estimators;

namespace LeapAlign.Rewards.JpegSize;

/// <summary>Settings of <c>jpeg-size</c>.</summary>
public sealed record JpegSizeSettings
{
    /// <summary>The quality of the JPEG.</summary>
    [Description("Quality of the JPEG, 1 to 100.")]
    [Range(1, 100)]
    public int Quality { get; init; } = 95;

    /// <summary>Which pictures score higher.</summary>
    [Description("Which pictures score higher: small (files; the score is minus the size) or large (the score is the size).")]
    public PreferredSize Prefer { get; init; } = PreferredSize.Small;

    /// <summary>Whether it has a gradient.</summary>
    [Description("Whether it can be trained by methods that follow gradients: none, or straight-through (the score is the size of the file, the gradient that of a smooth measure of its coefficients).")]
    public HardGradient Gradient { get; init; }
}

/// <summary>Which pictures score higher.</summary>
public enum PreferredSize
{
    /// <summary>Those that compress well.</summary>
    [JsonStringEnumMemberName("small")]
    Small,

    /// <summary>Those that compress badly.</summary>
    [JsonStringEnumMemberName("large")]
    Large,
}
