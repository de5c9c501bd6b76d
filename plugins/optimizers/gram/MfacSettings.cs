using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Optimization;

namespace LeapAlign.Optimizers.Gram;

/// <summary>Settings of <c>mfac</c>.</summary>
public sealed record MfacSettings
{
    /// <summary>The learning rate.</summary>
    [Description("The learning rate after warm-up. It multiplies the gradient over its curvature, which is inversely as large as the loss: a loss ten times as large takes steps a tenth as long.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Rate { get; init; } = 1e-3;

    /// <summary>Warm-up.</summary>
    [Description("Steps over which the rate rises linearly from rate/warmup to rate; 0 or 1 starts with the whole rate.")]
    [Range(0, 10_000_000)]
    public int Warmup { get; init; }

    /// <summary>m.</summary>
    [Description("The last gradients that the curvature is made of. Memory holds as many copies of the trained weights.")]
    [Range(1, 1024)]
    public int Window { get; init; } = 32;

    /// <summary>λ, or its factor.</summary>
    [Description("What is added to the curvature. With dampingMode relative it is a factor of the mean squared length of the window's gradients; with absolute, as published, it has the unit of a squared gradient, and where gradients are shorter than its root the step is the gradient over it, however large that is.")]
    [Range(0, 1e12, MinimumIsExclusive = true)]
    public double Damping { get; init; } = 1e-2;

    /// <summary>What the damping is measured in.</summary>
    [Description("What damping is measured in: relative (the window's gradients; not the paper's) or absolute (as published, with damping 1e-5 there).")]
    public DampingMode DampingMode { get; init; }

    /// <summary>μ.</summary>
    [Description("The decay of a moving average of the steps; 0 takes each as it is.")]
    [Range(0, 1.0, MaximumIsExclusive = true)]
    public double Momentum { get; init; }

    /// <summary>Weight decay.</summary>
    [Description("L2 decay, added to the gradient before the curvature sees it: weightDecay times the weights of matrices; biases, norms and embeddings are left out.")]
    [Range(0, 10.0)]
    public double WeightDecay { get; init; }

    /// <summary>Whether every parameter decays.</summary>
    [Description("Whether weight decay applies to biases, norms and embeddings, too.")]
    public bool DecayAll { get; init; }

    /// <summary>How gradients are kept.</summary>
    [Description("How the window is kept: float32, or bfloat16 in half the memory. What is computed of it is in fp64 either way.")]
    public RowPrecision Precision { get; init; }

    internal WeightDecay Decay => new(WeightDecay, DecayAll);
}

/// <summary>What a damping is measured in.</summary>
public enum DampingMode
{
    /// <summary>In the mean squared length of the window's gradients.</summary>
    [JsonStringEnumMemberName("relative")]
    Relative,

    /// <summary>In squared gradients, as published.</summary>
    [JsonStringEnumMemberName("absolute")]
    Absolute,
}
