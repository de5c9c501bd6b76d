using static TorchSharp.torch;

namespace LeapAlign.Networks.ZImage;

/// <summary>What the network computes from: tensors of any floating-point type, which belong to the caller.</summary>
public sealed record ZImageInputs
{
    /// <summary>The noisy latents, [B, C, h, w].</summary>
    public required Tensor Latents { get; init; }

    /// <summary>The captions' features, [B, T, caption width]; rows behind a caption's length do not count, whatever they hold.</summary>
    public required Tensor Context { get; init; }

    /// <summary>How many rows of the context each caption has, from 1 to T.</summary>
    public required IReadOnlyList<int> Lengths { get; init; }

    /// <summary><c>1 − σ</c>: 0 for noise, 1 for data; [B], fp32.</summary>
    public required Tensor Time { get; init; }

    /// <summary>The embedding of the gap to a second time, [B, A], fp32; null for a network of one time.</summary>
    public Tensor? Gap { get; init; }
}
