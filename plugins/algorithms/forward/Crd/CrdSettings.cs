using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Algorithms.Forward.Losses;

namespace LeapAlign.Algorithms.Forward.Crd;

/// <summary>Settings of <c>crd</c>. The defaults are Flow-Factory's for SD3.5.</summary>
public sealed record CrdSettings : ForwardSettings
{
    /// <summary>The published defaults for SD3.5.</summary>
    public CrdSettings()
    {
        Timesteps = 20;
        Updates = 2;
        RolloutGuided = false;
    }

    /// <summary>β.</summary>
    [Description("Factor beta of the implicit reward.")]
    [Range(1e-4, 1e4)]
    public double Beta { get; init; } = 1;

    /// <summary>What is taken from the advantages.</summary>
    [Description("What is taken from the advantages: all, positive, negative (others count as 0), binary (the sign), one (1 for positive, otherwise 0).")]
    public AdvantageKind Advantages { get; init; }

    /// <summary>How rewards are centred.</summary>
    [Description("What rewards are centred by: uniform (the mean of the micro-batch), group (the mean of each prompt's samples in it), directional (means weighted towards its good and its bad samples, half each).")]
    public Centering Centering { get; init; }

    /// <summary>τ.</summary>
    [Description("Temperature of directional weights softmax(A / tau) and softmax(-A / tau); 0 takes the better and the worse half as they are.")]
    [Range(0, 1e6)]
    public double Temperature { get; init; }

    /// <summary>The loss.</summary>
    [Description("How centred rewards are matched: squared (squared difference) or cross-entropy (the implicit one as a logit of the explicit one).")]
    public RewardMatch Match { get; init; }

    /// <summary>Weight of the distance to the reference.</summary>
    [Description("Weight of the squared distance between the velocities of the policy and of the reference; above 0 needs run.reference.")]
    [Range(0, 1e6)]
    public double KlWeight { get; init; } = 0.1;

    /// <summary>Whether good samples are held closer to the reference.</summary>
    [Description("Whether the distance counts by how good a sample is: fully for the best ones, with a weight of 1e-4 for the worst.")]
    public bool RewardAdaptiveKl { get; init; } = true;

    /// <summary>Whether the distance is to the guided reference.</summary>
    [Description("Whether the distance is to the reference with the model's guidance.")]
    public bool ReferenceGuided { get; init; } = true;

    /// <summary>How the old policy follows.</summary>
    [Description("How the old policy, against which implicit rewards are measured, follows the trained one. " + DecaySchedule.Notation)]
    [RegularExpression(DecaySchedule.Pattern)]
    public string OldDecay { get; init; } = "0-0.25-0.005-0.999";

    /// <summary>How the sampling policy follows.</summary>
    [Description("How the policy that samples follows the trained one. " + DecaySchedule.Notation)]
    [RegularExpression(DecaySchedule.Pattern)]
    public string SamplingDecay { get; init; } = "75-0.0-0.0075-0.999";
}

/// <summary>What rewards are centred by.</summary>
public enum Centering
{
    /// <summary>The mean of the micro-batch.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary>The mean of a prompt's samples in the micro-batch.</summary>
    [JsonStringEnumMemberName("group")]
    Group,

    /// <summary>Means weighted towards good and towards bad samples.</summary>
    [JsonStringEnumMemberName("directional")]
    Directional,
}

/// <summary>How an implicit reward is matched to an explicit one.</summary>
public enum RewardMatch
{
    /// <summary>Squared difference.</summary>
    [JsonStringEnumMemberName("squared")]
    Squared,

    /// <summary>Cross-entropy.</summary>
    [JsonStringEnumMemberName("cross-entropy")]
    CrossEntropy,
}
