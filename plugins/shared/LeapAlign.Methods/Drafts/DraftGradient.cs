using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Drafts;

/// <summary>
/// The gradient of a total variation from samples of the drafter (Goel and others 2024, arXiv 2403.00858): <c>∇TV(p_θ, q) = −E_{y~p_θ}[r ∇ln p_θ(y)]</c> with the reward <c>r = 1{q(y) &gt; p_θ(y)}</c>, a policy gradient. TVD++ takes
/// <c>(r − mean) / std</c> over all tokens of the batch in the place of r.
/// </summary>
public static class DraftGradient
{
    /// <summary>What is added to the deviation, so that rewards that are all the same give 0.</summary>
    public const double Floor = 1e-8;

    /// <summary>r of proposals.</summary>
    /// <param name="ofTarget">ln q(y) up to a constant, or the negative distance to μ_q.</param>
    /// <param name="ofDraft">ln p_θ(y) up to the same constant, or the negative distance to μ_θ.</param>
    /// <returns>1 where the target is the likelier one, else 0, in the type of what is compared.</returns>
    public static Tensor Rewards(Tensor ofTarget, Tensor ofDraft)
    {
        ArgumentNullException.ThrowIfNull(ofTarget);
        ArgumentNullException.ThrowIfNull(ofDraft);
        return ofTarget.detach().gt(ofDraft.detach()).to(ofDraft.dtype);
    }

    /// <summary>The loss whose gradient is TVD++'s, <c>−mean (r − m)/(s + 1e-8) ln p_θ(y)</c>. Rewards are 0 or 1, so that their mean over the batch says their deviation, s = √(m(1 − m)).</summary>
    /// <param name="rewards">r of tokens.</param>
    /// <param name="logProbabilities">ln p_θ(y) of the same tokens, with gradient.</param>
    /// <param name="mean">m, over all tokens of the batch, of which these may be a part.</param>
    public static Tensor Loss(Tensor rewards, Tensor logProbabilities, double mean)
    {
        ArgumentNullException.ThrowIfNull(rewards);
        ArgumentNullException.ThrowIfNull(logProbabilities);
        using Scalar middle = mean, deviation = Math.Sqrt(mean * (1 - mean)) + Floor;
        return (rewards.detach().sub(middle).div(deviation) * logProbabilities).mean().neg();
    }
}
