using System.ComponentModel;
using System.Text.Json.Serialization;

namespace LeapAlign.Rewards.GenevalShapes;

/// <summary>Settings of <c>geneval-shapes</c>.</summary>
public sealed record GenevalShapesSettings
{
    /// <summary>What the score is.</summary>
    [Description("What the score is: graded (share of the asked-for objects and places found, lowered by objects too many; 1 for a right picture alone) or strict (1 for a right picture, else 0).")]
    public ShapesScore Score { get; init; } = ShapesScore.Graded;
}

/// <summary>What the score is.</summary>
public enum ShapesScore
{
    /// <summary>The share that is right, in [0, 1]: 1 exactly when the picture is right.</summary>
    [JsonStringEnumMemberName("graded")]
    Graded,

    /// <summary>GenEval's verdict: 1 or 0.</summary>
    [JsonStringEnumMemberName("strict")]
    Strict,
}
