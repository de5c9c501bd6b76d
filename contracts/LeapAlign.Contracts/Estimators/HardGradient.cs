using System.Text.Json.Serialization;

namespace LeapAlign.Contracts.Estimators;

/// <summary>Whether a reward of hard units has a gradient: a setting of such rewards.</summary>
public enum HardGradient
{
    /// <summary>It has none, and is trained by methods that need none.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>The value is the hard one, the gradient that of a smooth one beside it.</summary>
    [JsonStringEnumMemberName("straight-through")]
    StraightThrough,
}
