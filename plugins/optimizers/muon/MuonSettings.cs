using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Optimization;

namespace LeapAlign.Optimizers.Muon;

/// <summary>Settings of <c>muon</c>.</summary>
public sealed record MuonSettings
{
    /// <summary>The learning rate of matrices.</summary>
    [Description("The learning rate of matrices after warm-up. An update of a matrix is this times the factor of its shape times an orthogonal matrix, however long the gradient is.")]
    [Range(0, 10.0)]
    public double Rate { get; init; } = 2e-4;

    /// <summary>The learning rate of everything else.</summary>
    [Description("The learning rate, after warm-up, of what AdamW updates: biases, norms, embeddings, convolutions, and factors of adapters unless adapters is set.")]
    [Range(0, 10.0)]
    public double AdamRate { get; init; } = 1e-5;

    /// <summary>Warm-up of both rates.</summary>
    [Description("Steps over which both rates rise linearly from rate/warmup to rate; 0 or 1 starts with the whole rate.")]
    [Range(0, 10_000_000)]
    public int Warmup { get; init; }

    /// <summary>μ.</summary>
    [Description("The decay of a matrix's momentum.")]
    [Range(0, 0.999999)]
    public double Momentum { get; init; } = 0.95;

    /// <summary>Whether the newest gradient counts once more.</summary>
    [Description("Whether the momentum is Nesterov's: what is orthogonalised is momentum · (moving average) + (1 - momentum) · (newest gradient).")]
    public bool Nesterov { get; init; } = true;

    /// <summary>Newton-Schulz steps.</summary>
    [Description("Steps of the Newton-Schulz iteration that makes the momentum orthogonal.")]
    [Range(1, 50)]
    public int Steps { get; init; } = 5;

    /// <summary>The precision of the iteration.</summary>
    [Description("The precision of the Newton-Schulz iteration: bfloat16 as published, or float32, which is quicker on processors that have no bfloat16.")]
    public IterationPrecision Precision { get; init; } = IterationPrecision.BFloat16;

    /// <summary>How the shape of a matrix scales its update.</summary>
    [Description("The factor of a matrix's shape: original (the root of rows/columns where there are more rows than columns, otherwise 1), or match-rms (0.2 times the root of the longer side: an update as large as AdamW's, so that rates of AdamW carry over).")]
    public ShapeScale Scale { get; init; } = ShapeScale.Original;

    /// <summary>Whether factors of adapters are matrices, too.</summary>
    [Description("Whether the factors of adapters are orthogonalised as matrices are; otherwise AdamW updates them.")]
    public bool Adapters { get; init; }

    /// <summary>Weight decay.</summary>
    [Description("Decoupled weight decay: each step first scales the weights of matrices by 1 - rate · weightDecay; biases, norms and embeddings are left out.")]
    [Range(0, 10.0)]
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Whether every parameter decays.</summary>
    [Description("Whether weight decay applies to biases, norms and embeddings, too.")]
    public bool DecayAll { get; init; }

    /// <summary>β1 of AdamW.</summary>
    [Description("AdamW's decay of the first moment.")]
    [Range(0, 0.999999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β2 of AdamW.</summary>
    [Description("AdamW's decay of the second moment.")]
    [Range(0, 0.9999999)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε of AdamW.</summary>
    [Description("Added to the root of AdamW's second moment.")]
    [Range(1e-30, 1.0)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Which implementation computes AdamW's update.</summary>
    [Description("Whether one fused kernel computes AdamW's update where the device has it.")]
    public bool Fused { get; init; } = true;

    internal AdamWForm AdamW => new(Beta1, Beta2, Epsilon, Fused);

    internal WeightDecay Decay => new(WeightDecay, DecayAll);
}

/// <summary>The precision of the Newton-Schulz iteration.</summary>
public enum IterationPrecision
{
    /// <summary>bfloat16, as published.</summary>
    [JsonStringEnumMemberName("bfloat16")]
    BFloat16,

    /// <summary>float32.</summary>
    [JsonStringEnumMemberName("float32")]
    Float32,
}

/// <summary>How the shape of a matrix, rows × columns, scales its update.</summary>
public enum ShapeScale
{
    /// <summary><c>max(1, rows / columns)^½</c>.</summary>
    [JsonStringEnumMemberName("original")]
    Original,

    /// <summary><c>0.2 max(rows, columns)^½</c> (Liu and others 2025, arXiv 2502.16982).</summary>
    [JsonStringEnumMemberName("match-rms")]
    MatchRms,
}
