using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Methods.Groups;

/// <summary>The settings of methods that compare the samples of a prompt with each other.</summary>
public abstract record AdvantageSettings
{
    /// <summary>Over which samples the standard deviation is taken.</summary>
    [Description("Over which samples the standard deviation of rewards is taken: those of the prompt's group, or all of the step.")]
    public DeviationScope AdvantageDeviation { get; init; } = DeviationScope.Global;

    /// <summary>How several rewards become one advantage.</summary>
    [Description("How several rewards become one advantage: sum (of weighted rewards, then normalised), per-reward (each normalised, then the weighted sum), decoupled (per-reward, then normalised once more over the step).")]
    public RewardAggregation Aggregation { get; init; } = RewardAggregation.Sum;

    /// <summary>Whether a group's deviation divides by K − 1.</summary>
    [Description("Whether the deviation divides by K - 1 instead of K.")]
    public bool UnbiasedDeviation { get; init; }

    /// <summary>Added to the deviation.</summary>
    [Description("Added to the standard deviation before an advantage is divided by it.")]
    [Range(1e-12, 1)]
    public double DeviationFloor { get; init; } = 1e-4;

    /// <summary>A_max.</summary>
    [Description("Advantages are cut off at plus and minus this.")]
    [Range(1e-6, 1e6)]
    public double AdvantageLimit { get; init; } = 5;
}

/// <summary>Over which samples a standard deviation is taken.</summary>
public enum DeviationScope
{
    /// <summary>All samples of the step.</summary>
    [JsonStringEnumMemberName("global")]
    Global,

    /// <summary>The samples of one prompt.</summary>
    [JsonStringEnumMemberName("group")]
    Group,
}

/// <summary>How several rewards become one advantage.</summary>
public enum RewardAggregation
{
    /// <summary>The weighted sum of rewards, normalised.</summary>
    [JsonStringEnumMemberName("sum")]
    Sum,

    /// <summary>The weighted sum of normalised rewards.</summary>
    [JsonStringEnumMemberName("per-reward")]
    PerReward,

    /// <summary>The weighted sum of rewards normalised within their groups, normalised once more over the step.</summary>
    [JsonStringEnumMemberName("decoupled")]
    Decoupled,
}
