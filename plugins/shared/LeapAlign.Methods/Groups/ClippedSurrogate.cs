using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Groups;

/// <summary>
/// The clipped policy objective (PPO, arXiv 1707.06347, equation 7) on ratios that differ from 1 by parts in 10⁴ and less: everything in fp64, because fp32
/// near 1 has steps of 10⁻⁷.
/// </summary>
public static class ClippedSurrogate
{
    /// <summary>
    /// <c>max(−A ρ, −A clip(ρ, 1 − c_lo, 1 + c_hi))</c> with <c>ρ = exp(log ρ)</c>. At ρ = 1 its gradient is <c>−A ∂log ρ</c>; it vanishes where A &gt; 0 and
    /// ρ &gt; 1 + c_hi, and where A &lt; 0 and ρ &lt; 1 − c_lo.
    /// </summary>
    /// <param name="logRatio">log ρ, [B], with the graph of the policy.</param>
    /// <param name="advantage">A, [B], a constant.</param>
    /// <param name="clipLow">c_lo, in [0, 1].</param>
    /// <param name="clipHigh">c_hi ≥ 0.</param>
    /// <returns>[B], fp64, to be averaged.</returns>
    public static Tensor Loss(Tensor logRatio, Tensor advantage, double clipLow, double clipHigh)
    {
        ArgumentNullException.ThrowIfNull(logRatio);
        ArgumentNullException.ThrowIfNull(advantage);
        using Scalar low = 1 - clipLow, high = 1 + clipHigh;
        var ratio = logRatio.to(ScalarType.Float64).exp();
        var gain = advantage.detach().to(ScalarType.Float64).neg();
        return maximum(gain * ratio, gain * ratio.clamp(low, high));
    }

    /// <summary>
    /// 1 for each sample that the clip keeps from the gradient, otherwise 0; the mean is the clip fraction. A sample whose advantage is 0 has no gradient to
    /// lose and counts as 0.
    /// </summary>
    /// <inheritdoc cref="Loss"/>
    /// <returns>[B], fp64, without graph.</returns>
    public static Tensor Clipped(Tensor logRatio, Tensor advantage, double clipLow, double clipHigh)
    {
        ArgumentNullException.ThrowIfNull(logRatio);
        ArgumentNullException.ThrowIfNull(advantage);
        using var _ = no_grad();
        using Scalar zero = 0, low = 1 - clipLow, high = 1 + clipHigh;
        var ratio = logRatio.to(ScalarType.Float64).exp();
        var above = ratio.gt(high).logical_and(advantage.gt(zero));
        var below = ratio.lt(low).logical_and(advantage.lt(zero));
        return above.logical_or(below).to(ScalarType.Float64);
    }
}
