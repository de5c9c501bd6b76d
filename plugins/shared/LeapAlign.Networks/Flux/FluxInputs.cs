using static TorchSharp.torch;

namespace LeapAlign.Networks.Flux;

/// <summary>What the network computes a velocity from: tensors of any floating-point type, which belong to the caller.</summary>
public sealed record FluxInputs
{
    /// <summary>The noisy latents as tokens, [B, L, in channels] (<see cref="FluxTokens.Pack"/>).</summary>
    public required Tensor Tokens { get; init; }

    /// <summary>The text's token features, [B, T, context width].</summary>
    public required Tensor Context { get; init; }

    /// <summary>The text's pooled features, [B, pooled width].</summary>
    public required Tensor Pooled { get; init; }

    /// <summary>σ in [0, 1], [B] (<see cref="FluxTime"/> says how it is rounded).</summary>
    public required Tensor Sigma { get; init; }

    /// <summary>Whether <see cref="Sigma"/> is fp32 and stays so until it is encoded: on the way of flow maps, whose times differ by less than bf16 tells apart.</summary>
    public bool HasExactTimes { get; init; }

    /// <summary>The embedding of the gap to a second time, [B, width], fp32; null for a network of one time.</summary>
    public Tensor? Gap { get; init; }

    /// <summary>The guidance scale itself, [B], for a network that embeds it; null for one that does not.</summary>
    public Tensor? Guidance { get; init; }

    /// <summary>The places of the image's tokens, [L, 3] (<see cref="FluxTokens.ImagePlaces"/>).</summary>
    public required Tensor ImagePlaces { get; init; }

    /// <summary>The places of the text's tokens, [T, 3] (<see cref="FluxTokens.TextPlaces"/>).</summary>
    public required Tensor TextPlaces { get; init; }
}
