using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Leaps;

namespace LeapAlign.Algorithms.FlowBp.Lagrange;

/// <summary>Settings of <c>flowbp-lagrange</c>. The defaults are those published for SD3.5.</summary>
public sealed record LagrangeSettings : LeapPairSettings
{
    /// <summary>The published defaults, also of the settings of the anchors.</summary>
    public LagrangeSettings()
    {
        Anchors = LeapPairMode.Dirichlet;
        MaxReverseJ = 10;
        ConcentrationEnd = 2.5;
        ConcentrationGap = 6;
        ConcentrationStart = 2;
    }

    /// <summary>α.</summary>
    [Description("Gradient discount α of the second leap's network input: 1 keeps the nested gradient whole, 0 drops it.")]
    [Range(0, 1)]
    public double Alpha { get; init; } = 0.1;

    /// <summary>τ.</summary>
    [Description("Floor τ of each trajectory distance; a sample's weight is at most 1/(2τ).")]
    [Range(1e-6, 1e6)]
    public double Tau { get; init; } = 0.2;

    /// <summary>The number of supports.</summary>
    [Description("How many velocities (supports) the polynomial of a leap goes through, spread evenly over its steps; 1 is an Euler leap. Above 4, weights of both signs amplify the gradient.")]
    [Range(1, 10)]
    public int Order { get; init; } = 3;

    /// <summary>How supports are weighted.</summary>
    [Description("Weights of the supports: lagrange (integral of the polynomial through them), uniform (the length of the leap in equal parts).")]
    public SupportWeights Weights { get; init; } = SupportWeights.Lagrange;

    /// <summary>Which supports carry gradient.</summary>
    [Description("Which supports of a leap carry gradient: none, start (its first step), midpoint (the first two), all.")]
    public SupportMode SupportMode { get; init; } = SupportMode.Midpoint;

    /// <summary>The factor of other supports' gradients.</summary>
    [Description("Factor of the gradient of active supports other than a leap's first step.")]
    [Range(0, 1)]
    public double SupportScale { get; init; } = 0.25;

    /// <summary>The limit of active supports.</summary>
    [Description("Most active supports of a leap, its first step among them; null sets no limit.")]
    [Range(1, 10)]
    public int? MaxActiveSupports { get; init; } = 2;

    /// <summary>s.</summary>
    [Description("How far the gradient of a leap's active supports makes up for the others: 0 not at all, 1 until their weights amount to those of all.")]
    [Range(0, 1)]
    public double GradientRescale { get; init; }

    /// <summary>λ_a.</summary>
    [Description("Part of the quadrature in the first leap, the rest being an Euler leap with gradient: 1 is the quadrature alone.")]
    [Range(0, 1)]
    public double AnchorLambda { get; init; } = 1;

    /// <summary>Evaluates twice.</summary>
    [Description("Evaluates active steps once more after a rollout without gradient, as published, instead of recording them during the rollout. The gradient is the same, the cost higher.")]
    public bool Reforward { get; init; }
}

/// <summary>Which supports carry gradient.</summary>
public enum SupportMode
{
    /// <summary>None; only an Euler part of the first leap does.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>The first step of a leap.</summary>
    [JsonStringEnumMemberName("start")]
    Start,

    /// <summary>The first two supports.</summary>
    [JsonStringEnumMemberName("midpoint")]
    Midpoint,

    /// <summary>All.</summary>
    [JsonStringEnumMemberName("all")]
    All,
}

/// <summary>How supports are weighted.</summary>
public enum SupportWeights
{
    /// <summary>The integral of the polynomial through them.</summary>
    [JsonStringEnumMemberName("lagrange")]
    Lagrange,

    /// <summary>Equal parts.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,
}
