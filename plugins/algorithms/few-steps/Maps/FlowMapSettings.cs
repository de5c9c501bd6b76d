using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Algorithms.FewSteps.Maps;

/// <summary>The settings of flow maps that teach themselves.</summary>
public abstract record FlowMapSettings
{
    /// <summary>Samples on the diagonal.</summary>
    [Description("The share of samples that learn the velocity, where a jump has no length; the others learn jumps.")]
    [Range(0, 1)]
    public double Diagonal { get; init; } = 0.75;

    /// <summary>s.</summary>
    [Description("The static shift s that both times of a jump go through, S(u) = s u / (1 + (s-1) u): that of the grid that the model will be drawn on. 1 leaves them uniform.")]
    [Range(0.01, 100)]
    public double Shift { get; init; } = 1;

    /// <summary>Where the velocity comes from.</summary>
    [Description("Where the velocity on the diagonal comes from: none (the pictures that come with the prompts, and the map itself inside its jumps), reference (the policy that training started from, with the run's guidance; it needs run.reference), model (the section teacher, with the run's guidance). A map that is taught draws without guidance.")]
    public MapTeacher Teacher { get; init; }

    /// <summary>w(s, t).</summary>
    [Description("How residuals of different jumps are weighed against each other: constant (each as it is), or learned (each divided by what residuals of these times are like, which is learnt beside: e^-w times the residual, plus w).")]
    public MapWeight Weight { get; init; }

    /// <summary>The rate of w.</summary>
    [Description("The learning rate of a learned weight, by the run's optimizer; null for that of the model.")]
    [Range(0, 10.0)]
    public double? WeightRate { get; init; } = 1e-3;

    /// <summary>F and G of a sample off the diagonal.</summary>
    internal abstract (double Plain, double Gradient) Jumps { get; }
}

/// <summary>Where the velocity of a flow map comes from.</summary>
public enum MapTeacher
{
    /// <summary>From pictures and itself.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>From the policy that training started from.</summary>
    [JsonStringEnumMemberName("reference")]
    Reference,

    /// <summary>From a second model.</summary>
    [JsonStringEnumMemberName("model")]
    Model,
}

/// <summary>How residuals of jumps are weighed.</summary>
public enum MapWeight
{
    /// <summary>Alike.</summary>
    [JsonStringEnumMemberName("constant")]
    Constant,

    /// <summary>By what is learnt of them.</summary>
    [JsonStringEnumMemberName("learned")]
    Learned,
}

/// <summary>Settings of <c>flow-map-psd</c>.</summary>
public sealed record FlowMapPsdSettings : FlowMapSettings
{
    /// <summary>γ.</summary>
    [Description("Where a jump is divided into two: half (PSD-M), or uniform (PSD-U).")]
    public MapDivision Division { get; init; }

    /// <inheritdoc/>
    internal override (double Plain, double Gradient) Jumps => (2, 1);
}

/// <summary>Where a jump is divided.</summary>
public enum MapDivision
{
    /// <summary>γ = 1/2.</summary>
    [JsonStringEnumMemberName("half")]
    Half,

    /// <summary>γ uniform in (0, 1), one for each sample.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,
}

/// <summary>Settings of <c>flow-map-lsd</c>.</summary>
public sealed record FlowMapLsdSettings : FlowMapSettings
{
    /// <summary>Which form.</summary>
    [Description("What the derivative in time belongs to: prediction (LSD: its gradient is part of the loss, three evaluations with gradient), or target (LSD-T: nearly as good, one with gradient).")]
    public MapDerivative Derivative { get; init; } = MapDerivative.Target;

    /// <summary>h.</summary>
    [Description("The distance h in time over which differences are taken, on either side.")]
    [Range(1e-4, 0.1)]
    public double Difference { get; init; } = Methods.Maps.MapErrors.Step;

    /// <inheritdoc/>
    internal override (double Plain, double Gradient) Jumps => Derivative == MapDerivative.Target ? (3, 1) : (1, 3);
}

/// <summary>What a derivative in time belongs to.</summary>
public enum MapDerivative
{
    /// <summary>To what is held still.</summary>
    [JsonStringEnumMemberName("target")]
    Target,

    /// <summary>To what is trained.</summary>
    [JsonStringEnumMemberName("prediction")]
    Prediction,
}

/// <summary>Settings of <c>flow-map-esd</c>.</summary>
public sealed record FlowMapEsdSettings : FlowMapSettings
{
    /// <summary>h.</summary>
    [Description("The distance h in time over which differences are taken, on either side.")]
    [Range(1e-4, 0.1)]
    public double Difference { get; init; } = Methods.Maps.MapErrors.Step;

    /// <inheritdoc/>
    internal override (double Plain, double Gradient) Jumps => (3, 1);
}
