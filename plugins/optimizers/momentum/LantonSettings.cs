using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Settings of <c>lanton</c>.</summary>
public sealed record LantonSettings
{
    /// <summary>η.</summary>
    [Description("The rate after warm-up, of the least noisy tensor of a group: an update has this size in the tensor's own norm, however long the gradient is.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Rate { get; init; } = 2e-4;

    /// <summary>Warm-up.</summary>
    [Description("Steps over which the rate rises linearly from rate/warmup to rate; 0 or 1 starts with the whole rate.")]
    [Range(0, 10_000_000)]
    public int Warmup { get; init; }

    /// <summary>α.</summary>
    [Description("The noise, in the dual norm, at which a tensor's rate begins to fall. Null finds one for each group: the root of the median squared noise of its tensors after 10 updates, kept from then on; all rates are the same before.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double? Alpha { get; init; }

    /// <summary>β1.</summary>
    [Description("Decay of the momentum.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.95;

    /// <summary>β2.</summary>
    [Description("Decay of the squared noise.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.9;

    /// <summary>What a gradient is compared with.</summary>
    [Description("What a gradient is compared with to measure its noise: previous (that of the update before; drift counts as noise where steps are large), or second-draw (that of other prompts and noise at the same weights, which costs a step more).")]
    public NoiseOf Noise { get; init; }

    /// <summary>Groups.</summary>
    [Description("Names of tensors whose rates are compared with each other alone, with * for any letters: each pattern is a group, and what no pattern names is one. Matrices, embeddings and vectors are never in one group.")]
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Matrices that are treated as embeddings.</summary>
    [Description("Names of matrices that move by the sign of their momentum, as embeddings do, with * for any letters: output heads for instance.")]
    public IReadOnlyList<string> Heads { get; init; } = [];
}

/// <summary>What a gradient is compared with.</summary>
public enum NoiseOf
{
    /// <summary>The gradient of the update before.</summary>
    [JsonStringEnumMemberName("previous")]
    Previous,

    /// <summary>The gradient of other samples at the same weights.</summary>
    [JsonStringEnumMemberName("second-draw")]
    SecondDraw,
}
