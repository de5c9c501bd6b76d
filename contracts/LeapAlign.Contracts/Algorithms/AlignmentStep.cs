using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>What an algorithm is given for one micro-batch. The tensors belong to the host.</summary>
public sealed class AlignmentStep
{
    /// <summary>The step of the run, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The initial state at σ_0, [B, C, h, w], fp32.</summary>
    public required Tensor Noise { get; init; }

    /// <summary>The noise levels.</summary>
    public required Schedule Schedule { get; init; }

    /// <summary>Integrates the flow.</summary>
    public required ISampler Sampler { get; init; }

    /// <summary>The model's velocity for this batch, conditioning and guidance applied.</summary>
    public required Velocity Velocity { get; init; }

    /// <summary>
    /// decode &gt;&gt; score: latents [B, C, h, w] to rewards [B], with gradient when gradients are enabled and the rewards are differentiable. It also takes
    /// several whole batches one after another, [m·B, C, h, w] to [m·B].
    /// </summary>
    public required Stage<Tensor, Tensor> Score { get; init; }

    /// <summary>The key of this step's own draws, the same on every rank.</summary>
    public required RandomKey Random { get; init; }
}
