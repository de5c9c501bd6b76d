using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Optimizers.Descent;

/// <summary>Settings of <c>drift</c>.</summary>
public sealed record DriftSettings
{
    /// <summary>α.</summary>
    [Description("The learning rate of the trained weights, that of the optimizer sgd: what is cancelled grows with it.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Rate { get; init; } = 1e-2;

    /// <summary>λ.</summary>
    [Description("The learning rate of the algorithm's own parameters; null for the same.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double? OwnRate { get; init; }

    /// <summary>What is cancelled.</summary>
    [Description("What is cancelled: interaction (what the players do to each other) or all (what each does to itself, too, which is not what was published as best).")]
    public DriftTerms Cancel { get; init; }

    /// <summary>Whether both factors of the interaction are of samples of their own.</summary>
    [Description("Whether the other player's gradient is that of an independent draw, so that the product of the two has no bias from sharing samples; it costs one step more.")]
    public bool Independent { get; init; }

    /// <summary>How far gradients are taken from the weights.</summary>
    [Description("How far from the weights the gradients are taken whose difference is the derivative, in units of the length of a player's weights, at least 1. Gradients of bfloat16 networks need a larger one.")]
    [Range(0, 10.0, MinimumIsExclusive = true)]
    public double Reach { get; init; } = 1e-3;
}

/// <summary>Terms of the drift of two players.</summary>
public enum DriftTerms
{
    /// <summary>What the players do to each other.</summary>
    [JsonStringEnumMemberName("interaction")]
    Interaction,

    /// <summary>That, and what each does to itself.</summary>
    [JsonStringEnumMemberName("all")]
    All,
}
