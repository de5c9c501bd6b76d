using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Leaps;

namespace LeapAlign.Algorithms.LeapAlign;

/// <summary>Settings of <c>leapalign</c>. The names are those of arXiv 2604.15311.</summary>
public sealed record LeapAlignSettings : LeapPairSettings
{
    /// <summary>α.</summary>
    [Description("Gradient discount α of the second leap's network input: 1 keeps the nested gradient whole, 0 drops it.")]
    [Range(0, 1)]
    public double Alpha { get; init; } = 0.3;

    /// <summary>τ.</summary>
    [Description("Floor τ of each trajectory distance; a sample's weight is at most 1/(2τ).")]
    [Range(1e-6, 1e6)]
    public double Tau { get; init; } = 0.1;

    /// <summary>P.</summary>
    [Description("Pairs of leaps carved out of each rollout: 1 is the paper's. Each further pair costs one or two evaluations with gradient and their memory, and no rollout, decoding or scoring.")]
    [Range(1, 64)]
    public int Pairs { get; init; } = 1;

    /// <summary>Hard filter on d_j.</summary>
    [Description("Samples whose first leap misses the trajectory by more than this distance leave the batch; null keeps all.")]
    [Range(0, 1e9)]
    public double? MaxDistanceJ { get; init; }

    /// <summary>Hard filter on d_0.</summary>
    [Description("Samples whose second leap misses the final sample by more than this distance leave the batch; null keeps all.")]
    [Range(0, 1e9)]
    public double? MaxDistance0 { get; init; }

    /// <summary>Whether the leaps are jumps of a flow map.</summary>
    [Description("For a flow map, whose jumps are the leaps: none (the model is a velocity, and leaps are carved out of a rollout), steps (from one step of the sampler's grid to another, as anchors says), continuous (between any two noise levels). A sample costs 1 F + 2 G and what guards it.")]
    public MapLeapKind Map { get; init; }

    /// <summary>λ_c.</summary>
    [Description("On a flow map, the factor of the loss that keeps jumps consistent with their two halves (PSD-M), at the first leap: 2 F. Rewards alone break what holds the spans together; 0 leaves it out.")]
    [Range(0, 1e6)]
    public double Consistency { get; init; } = 0.1;

    /// <summary>kl_β.</summary>
    [Description("On a flow map, the factor of the distance of both leaps to the policy that training started from: 2 F, and it needs run.reference. 0 leaves it out.")]
    [Range(0, 1e6)]
    public double MapKl { get; init; } = 0.3;
}

/// <summary>Where the leaps of a flow map begin and end.</summary>
public enum MapLeapKind
{
    /// <summary>The model is a velocity.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>On the sampler's grid.</summary>
    [JsonStringEnumMemberName("steps")]
    Steps,

    /// <summary>Anywhere.</summary>
    [JsonStringEnumMemberName("continuous")]
    Continuous,
}
