using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Settings of <c>npg-igt</c>.</summary>
public sealed record NpgIgtSettings
{
    /// <summary>γ0.</summary>
    [Description("The length of the first step, over all trained weights together, however long the gradient is.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Gamma { get; init; } = 0.1;

    /// <summary>η0.</summary>
    [Description("The share of the newest gradient in the direction, of the first step under the published schedule. Steps are made (1 - eta) / eta times the last step ahead of the weights.")]
    [Range(0, 1.0, MinimumIsExclusive = true)]
    public double Eta { get; init; } = 1;

    /// <summary>How both go on.</summary>
    [Description("How both go on: published (gamma times 2/(t+2) and eta times (2/(t+2))^0.8 in the update t from 0) or constant.")]
    public IgtSchedule Schedule { get; init; }
}

/// <summary>How lengths and shares go on.</summary>
public enum IgtSchedule
{
    /// <summary>They fall, as published.</summary>
    [JsonStringEnumMemberName("published")]
    Published,

    /// <summary>They stay.</summary>
    [JsonStringEnumMemberName("constant")]
    Constant,
}
