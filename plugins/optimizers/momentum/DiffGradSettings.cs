using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Optimization;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Settings of <c>diffgrad</c>.</summary>
public sealed record DiffGradSettings
{
    /// <summary>The learning rate.</summary>
    [Description("The learning rate after warm-up. Friction takes up to half of it.")]
    [Range(0, 10.0, MinimumIsExclusive = true)]
    public double Rate { get; init; } = 1e-3;

    /// <summary>Warm-up.</summary>
    [Description("Steps over which the rate rises linearly from rate/warmup to rate; 0 or 1 starts with the whole rate.")]
    [Range(0, 10_000_000)]
    public int Warmup { get; init; }

    /// <summary>β1.</summary>
    [Description("Decay of the first moment.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β2.</summary>
    [Description("Decay of the second moment.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε.</summary>
    [Description("Added to the root of the second moment, before its bias is corrected.")]
    [Range(0, 1.0, MinimumIsExclusive = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weight decay.</summary>
    [Description("L2 decay, added to the gradient: weightDecay times the weights of matrices; biases, norms and embeddings are left out.")]
    [Range(0, 10.0)]
    public double WeightDecay { get; init; }

    /// <summary>Whether every parameter decays.</summary>
    [Description("Whether weight decay applies to biases, norms and embeddings, too.")]
    public bool DecayAll { get; init; }

    /// <summary>What a change of the gradient is measured in.</summary>
    [Description("Whether a change of the gradient is measured in the root of its second moment, so that friction does not depend on the gradient's unit; not the paper's.")]
    public bool Relative { get; init; }

    internal WeightDecay Decay => new(WeightDecay, DecayAll);
}
