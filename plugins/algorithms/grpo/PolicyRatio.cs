using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>log ρ of a transition, [B], with the graph of the policy.</summary>
internal delegate Tensor LogRatio(Transition transition, RecordedTransition recorded);

/// <summary>The two ratios in use.</summary>
internal static class PolicyRatio
{
    /// <summary><c>log p − log p_old</c>.</summary>
    public static Tensor Plain(Transition transition, RecordedTransition recorded) => transition.LogProbability(recorded.Next) - recorded.LogProbability;

    /// <summary>
    /// GRPO-Guard (arXiv 2510.22319): <c>(log p − log p_old) c + mean_d δ² / (2c)</c> with δ = μ − μ_old, which is <c>mean_d(z δ)</c>: without bias, and of one scale at every step.
    /// </summary>
    public static Tensor Guarded(Transition transition, RecordedTransition recorded)
    {
        var difference = transition.Mean - recorded.Mean!;
        var squared = difference.square();
        var bias = squared.dim() == 1 ? squared : squared.flatten(1).mean([1]);
        using TorchSharp.Scalar deviation = transition.Deviation, half = 0.5 / transition.Deviation;
        return Plain(transition, recorded).mul(deviation).add(bias.mul(half));
    }
}
