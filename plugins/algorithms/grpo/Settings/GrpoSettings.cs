using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Groups;

namespace LeapAlign.Algorithms.Grpo.Settings;

/// <summary>What every policy-gradient method on a stochastic sampler has to set. The noise level belongs to the sampler.</summary>
public abstract record GrpoSettings : AdvantageSettings
{
    /// <summary>c_lo.</summary>
    [Description("How far below 1 a probability ratio still counts. Ratios are of means over dimensions, so ranges are tiny: 1e-4 for whole paths, 1e-5 for windows and cps.")]
    [Range(0, 1)]
    public double ClipLow { get; init; } = 1e-4;

    /// <summary>c_hi.</summary>
    [Description("How far above 1 a probability ratio still counts.")]
    [Range(0, 1)]
    public double ClipHigh { get; init; } = 1e-4;

    /// <summary>β.</summary>
    [Description("Weight beta of the KL term to the reference policy; 0 leaves it out, with its evaluations. Above 0, run.reference must be set.")]
    [Range(0, 1000)]
    public double KlWeight { get; init; }

    /// <summary>The form of the KL term.</summary>
    [Description("Form of the KL term: flow-grpo (squared difference of the means over 2 s^2), x (squared difference of the means), v (squared difference of the velocities).")]
    public KlForm Kl { get; init; } = KlForm.FlowGrpo;

    /// <summary>Optimizer updates of a step.</summary>
    [Description("Optimizer updates of a step, each on its share of the micro-batches. In the first one every ratio is 1; from the second on the clip acts.")]
    [Range(1, 1000)]
    public int Updates { get; init; } = 1;

    /// <summary>Whether a group has one initial state.</summary>
    [Description("Whether the samples of a prompt begin from the same noise, so that they differ in the sampler's noise alone.")]
    public bool SharedNoise { get; init; }
}

/// <summary>Forms of the KL term.</summary>
public enum KlForm
{
    /// <summary><c>mean_d (μ − μ_ref)² / (2 s²)</c>, the exact divergence times −Δ for a diffusion (Flow-GRPO).</summary>
    [JsonStringEnumMemberName("flow-grpo")]
    FlowGrpo,

    /// <summary><c>mean_d (μ − μ_ref)²</c>.</summary>
    [JsonStringEnumMemberName("x")]
    X,

    /// <summary><c>mean_d (v − v_ref)²</c>.</summary>
    [JsonStringEnumMemberName("v")]
    V,
}
