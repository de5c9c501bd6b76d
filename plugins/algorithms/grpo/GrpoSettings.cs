using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Groups;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>The settings that all of these methods have.</summary>
public abstract record GrpoSettings : AdvantageSettings
{
    /// <summary>c.</summary>
    [Description("Clip range c: a ratio counts up to 1 + c for samples with a positive advantage and down to 1 - c for the others. Log-probabilities are means over dimensions, so ratios differ from 1 by parts in ten thousand.")]
    [Range(0, 1)]
    public double Clip { get; init; } = 1e-4;

    /// <summary>β.</summary>
    [Description("Weight of the KL term to the policy that training started from; 0 leaves it out. Above 0 it needs run.reference and an evaluation more for each trained step.")]
    [Range(0, 1e6)]
    public double KlWeight { get; init; }

    /// <summary>The form of the KL term.</summary>
    [Description("The form of the KL term: flow-grpo (squared distance of means over twice the squared noise scale), state (squared distance of means), velocity (squared distance of velocities).")]
    public KlForm Kl { get; init; } = KlForm.FlowGrpo;

    /// <summary>Optimizer updates of a step.</summary>
    [Description("Optimizer updates of a step, each on its share of the micro-batches; at most run.accumulation. From the second on ratios differ from 1 and the clip acts.")]
    [Range(1, 1000)]
    public int Updates { get; init; } = 1;

    /// <summary>Whether a group starts from one noise.</summary>
    [Description("Whether all samples of a prompt start from the same noise.")]
    public bool SharedNoise { get; init; }
}

/// <summary>How far a policy is from the reference at a step.</summary>
public enum KlForm
{
    /// <summary><c>mean_d (μ − μ_ref)² / (2 s²)</c>.</summary>
    [JsonStringEnumMemberName("flow-grpo")]
    FlowGrpo,

    /// <summary><c>mean_d (μ − μ_ref)²</c>.</summary>
    [JsonStringEnumMemberName("state")]
    State,

    /// <summary><c>mean_d (v − v_ref)²</c>.</summary>
    [JsonStringEnumMemberName("velocity")]
    Velocity,
}
