using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Optimization;

namespace LeapAlign.Optimizers.AdamW;

/// <summary>Settings of <c>adamw</c>.</summary>
public sealed record AdamWSettings
{
    /// <summary>The learning rate.</summary>
    [Description("The learning rate after warm-up.")]
    [Range(0, 10.0)]
    public double Rate { get; init; } = 1e-5;

    /// <summary>Warm-up.</summary>
    [Description("Steps over which the rate rises linearly from rate/warmup to rate; 0 or 1 starts with the whole rate.")]
    [Range(0, 10_000_000)]
    public int Warmup { get; init; }

    /// <summary>β1.</summary>
    [Description("Decay of the first moment.")]
    [Range(0, 0.999999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β2.</summary>
    [Description("Decay of the second moment.")]
    [Range(0, 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε.</summary>
    [Description("Added to the root of the second moment.")]
    [Range(1e-30, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weight decay.</summary>
    [Description("Decoupled weight decay: each step first scales the weights of matrices by 1 - rate · weightDecay; biases, norms and embeddings are left out.")]
    [Range(0, 10.0)]
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Whether every parameter decays.</summary>
    [Description("Whether weight decay applies to biases, norms and embeddings, too, as in PyTorch's AdamW with one group of parameters.")]
    public bool DecayAll { get; init; }

    /// <summary>Which implementation computes the update.</summary>
    [Description("Whether one fused kernel computes the update where the device has it; the plain operations give the same to rounding and cost a few milliseconds more.")]
    public bool Fused { get; init; } = true;

    internal AdamWForm Form => new(Beta1, Beta2, Epsilon, Fused);
}
