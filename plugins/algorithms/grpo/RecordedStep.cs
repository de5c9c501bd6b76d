using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>A step as the rollout took it. The tensors are kept by the step of the run.</summary>
/// <param name="index">i.</param>
/// <param name="state">x_i, [B, ...].</param>
/// <param name="next">x_{i+1}, the sampler's own bits.</param>
/// <param name="logProbability">log p_old(x_{i+1}), [B], fp64.</param>
/// <param name="mean">μ_old, when the ratio needs it.</param>
public sealed class RecordedStep(int index, Tensor state, Tensor next, Tensor logProbability, Tensor? mean)
{
    /// <summary>i, 0 ≤ i &lt; N.</summary>
    public int Index { get; } = index;

    /// <summary>x_i.</summary>
    public Tensor State { get; } = state;

    /// <summary>x_{i+1}.</summary>
    public Tensor Next { get; } = next;

    /// <summary>log p_old(x_{i+1}), [B], fp64.</summary>
    public Tensor LogProbability { get; } = logProbability;

    /// <summary>μ_old, or null.</summary>
    public Tensor? Mean { get; } = mean;
}
