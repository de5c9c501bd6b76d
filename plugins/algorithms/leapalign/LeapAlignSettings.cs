using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
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
}
