using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Rewards;

namespace LeapAlign.Methods.Leaps;

/// <summary>The settings of methods that leap over a pair of anchors k &lt; j.</summary>
public abstract record LeapPairSettings : RewardLossSettings
{
    /// <summary>How (k, j) is drawn.</summary>
    [Description("How the two anchors k < j are drawn: uniform over all pairs, dirichlet lengths, midpoint (j half-way from k to the end), midpoint-j (k half of j).")]
    public LeapPairMode Anchors { get; init; } = LeapPairMode.Uniform;

    /// <summary>ρ.</summary>
    [Description("Share of the schedule, from its end, in which anchors may lie.")]
    [Range(0.01, 1)]
    public double TailRatio { get; init; } = 1;

    /// <summary>m.</summary>
    [Description("Lowest reverse index (1 is the last network call) of an anchor.")]
    [Range(1, 1000)]
    public int MinReverse { get; init; } = 1;

    /// <summary>M.</summary>
    [Description("Reverse index above which no anchor lies, exclusive; null is N + 1, the whole schedule.")]
    [Range(3, 1001)]
    public int? MaxReverse { get; init; }

    /// <summary>J.</summary>
    [Description("Highest reverse index of j, in the modes uniform and dirichlet; null sets no limit.")]
    [Range(1, 1000)]
    public int? MaxReverseJ { get; init; }

    /// <summary>α_A.</summary>
    [Description("Dirichlet concentration of the distance from j to the clean end.")]
    [Range(0.01, 1000)]
    public double ConcentrationEnd { get; init; } = 4.2;

    /// <summary>α_B.</summary>
    [Description("Dirichlet concentration of the gap between k and j.")]
    [Range(0.01, 1000)]
    public double ConcentrationGap { get; init; } = 4.2;

    /// <summary>α_C.</summary>
    [Description("Dirichlet concentration of the distance from the noisy end to k.")]
    [Range(0.01, 1000)]
    public double ConcentrationStart { get; init; } = 4.2;
}

/// <summary>How the two anchors are drawn.</summary>
public enum LeapPairMode
{
    /// <summary>Every pair equally likely.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary>Three lengths with Dirichlet proportions.</summary>
    [JsonStringEnumMemberName("dirichlet")]
    Dirichlet,

    /// <summary>k uniform, j half-way to the end.</summary>
    [JsonStringEnumMemberName("midpoint")]
    Midpoint,

    /// <summary>j uniform, k half of it.</summary>
    [JsonStringEnumMemberName("midpoint-j")]
    MidpointJ,
}
