using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>The part of a rollout that no gradient goes through.</summary>
internal static class StillPath
{
    /// <summary>Rolls from the noise to a step without gradient.</summary>
    /// <param name="batch">Where to start.</param>
    /// <param name="step">i; 0 gives the noise itself.</param>
    /// <returns>x_i, a tensor of its own without graph.</returns>
    public static Tensor To(MicroBatch batch, int step)
    {
        using var _ = no_grad();
        return batch.Sampler.Roll(batch.Noise, batch.Path with { To = step });
    }
}
