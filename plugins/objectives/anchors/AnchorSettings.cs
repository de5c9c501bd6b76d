using System.ComponentModel;
using LeapAlign.Methods.Matching;
using LeapAlign.Methods.Times;

namespace LeapAlign.Objectives.Anchors;

/// <summary>Settings of <c>kl</c>. Times are uniform by default: a divergence of flows is an integral over σ.</summary>
public sealed record KlSettings : SampleTimeSettings
{
    /// <summary>Uniform times.</summary>
    public KlSettings() => Times = TimeKind.Uniform;

    /// <summary>How the distance depends on σ.</summary>
    [Description("How the distance to the reference depends on sigma: uniform, or elbo, 1 / (2 s^2) with s = 0.7 sqrt(sigma / (1 - sigma)), which counts most near the data.")]
    public KlWeighting Weighting { get; init; }
}

/// <summary>Settings of <c>flow-matching</c>.</summary>
public sealed record FlowMatchingSettings : SampleTimeSettings;
