using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Schedules;

namespace LeapAlign.Samplers.FlowSde.Speculative;

/// <summary>Settings of <c>speculative</c>. Noise is that of Flow-GRPO's SDE, or of DanceGRPO's.</summary>
public sealed record SpeculativeSettings : ScheduleSettings
{
    /// <summary>Who drafts.</summary>
    [Description("Who proposes steps, and whose law samples have: last-velocity (the policy's own last velocity, for the policy), teacher (the section teacher, a quantised or smaller copy, for the policy), model (the run's model for the section teacher: samples are the teacher's, for draft-tvd).")]
    public Drafter Drafter { get; init; }

    /// <summary>γ.</summary>
    [Description("How many steps are proposed before the target evaluates them in one batch.")]
    [Range(1, 64)]
    public int Drafts { get; init; } = 3;

    /// <summary>Which SDE.</summary>
    [Description("The noise of a step: flow (as flow-sde, growing with sigma / (1 - sigma)) or dance (as dance-sde, the same at every sigma).")]
    public DraftNoise Noise { get; init; }

    /// <summary>a or η.</summary>
    [Description("Noise level: a of flow-sde, eta of dance-sde. A step without noise has nothing to accept, so it is above 0.")]
    [Range(0.001, 10)]
    public double NoiseLevel { get; init; } = 0.7;

    /// <summary>σ̃ at the pole, of <c>flow</c>.</summary>
    [Description("As sigmaMax of flow-sde: what stands for sigma in 1 - sigma at sigma = 1; null takes the second noise level of the schedule. dance does not use it.")]
    [Range(0, 0.9999)]
    public double? SigmaMax { get; init; }

    /// <summary>Whether the last step of <c>dance</c> is deterministic.</summary>
    [Description("As finalPrediction of dance-sde: whether the sample is the prediction of the last call instead of a last noisy step. flow does not use it.")]
    public bool FinalPrediction { get; init; } = true;
}

/// <summary>Who proposes steps.</summary>
public enum Drafter
{
    /// <summary>The target's own last velocity, held for the steps behind it.</summary>
    [JsonStringEnumMemberName("last-velocity")]
    LastVelocity,

    /// <summary>The second model, for the policy.</summary>
    [JsonStringEnumMemberName("teacher")]
    Teacher,

    /// <summary>The run's model, for the second.</summary>
    [JsonStringEnumMemberName("model")]
    Model,
}

/// <summary>The noise of a step.</summary>
public enum DraftNoise
{
    /// <summary>Flow-GRPO's.</summary>
    [JsonStringEnumMemberName("flow")]
    Flow,

    /// <summary>DanceGRPO's.</summary>
    [JsonStringEnumMemberName("dance")]
    Dance,
}
