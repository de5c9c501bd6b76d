using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Matching;

/// <summary>Flow matching (arXiv 2210.02747): the loss that flow models are trained with.</summary>
public static class FlowMatching
{
    /// <summary><c>mean_d (v − (ε − x_0))²</c> of each sample, [B], fp64, with gradient: v is the trained policy's without guidance.</summary>
    /// <param name="at">x_σ.</param>
    /// <param name="batch">The network.</param>
    public static Tensor Errors(NoisedSamples at, MicroBatch batch)
    {
        ArgumentNullException.ThrowIfNull(at);
        return SampleErrors.Square(PolicyVelocity.Of(at, batch, guided: false), at.Target);
    }
}
