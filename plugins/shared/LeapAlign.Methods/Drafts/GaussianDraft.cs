using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Drafts;

/// <summary>
/// A step that a drafter proposes, <c>y = μ_θ + c z</c>, where the target's is normal about another mean μ_q with the same deviation c: the two samplers of an SDE differ in their means alone. All norms and
/// products are sums over the dimensions of a sample, not means, in fp64 (speculative sampling for diffusions, De Bortoli and others 2025).
/// </summary>
/// <param name="draft">μ_θ, [B, ...].</param>
/// <param name="target">μ_q, the shape of μ_θ.</param>
/// <param name="deviation">c &gt; 0.</param>
public sealed class GaussianDraft(Tensor draft, Tensor target, double deviation)
{
    private readonly Tensor _shift = draft.to(ScalarType.Float64) - target.to(ScalarType.Float64);

    /// <summary>‖μ_θ − μ_q‖ of each sample, [B], with the graph of both means; its gradient is 0 where they are equal.</summary>
    public Tensor Distance => Rows(_shift).norm(1);

    /// <summary>The total variation between the two steps, <c>erf(‖μ_θ − μ_q‖ / (2√2 c))</c>, [B], with gradient.</summary>
    public Tensor TotalVariation
    {
        get
        {
            using Scalar factor = 1 / (2 * Math.Sqrt(2) * deviation);
            return Distance.mul(factor).erf();
        }
    }

    /// <summary>How often a proposal is accepted, <c>1 − TV = 2Φ(−‖μ_θ − μ_q‖ / 2c)</c>, [B].</summary>
    public Tensor Acceptance
    {
        get
        {
            using Scalar factor = 1 / (2 * Math.Sqrt(2) * deviation);
            return Distance.mul(factor).erfc();
        }
    }

    /// <summary><c>ln q(y)/p(y) = −(‖Δ‖² + 2c z·Δ) / 2c²</c> with Δ = μ_θ − μ_q: a proposal is accepted with probability min(1, q/p).</summary>
    /// <param name="noise">z, the shape of μ_θ.</param>
    /// <returns>[B].</returns>
    public Tensor LogRatio(Tensor noise)
    {
        ArgumentNullException.ThrowIfNull(noise);
        using Scalar twice = 2 * deviation, factor = -1 / (2 * deviation * deviation);
        var shift = Rows(_shift);
        return (shift * (shift + Rows(noise.to(ScalarType.Float64)).mul(twice))).sum(1).mul(factor);
    }

    /// <summary>
    /// The step in place of a proposal that was rejected, with the proposal's noise reflected at the plane between the means: <c>μ_q + c (z − 2 (z·e) e)</c>, <c>e = Δ/‖Δ‖</c>. It is normal about μ_q outside what was accepted, so that the law of the step is the target's.
    /// </summary>
    /// <param name="noise">z, the shape of μ_θ.</param>
    /// <returns>The shape of μ_θ, in its type.</returns>
    public Tensor Reflected(Tensor noise)
    {
        ArgumentNullException.ThrowIfNull(noise);
        using Scalar factor = deviation, twice = 2;
        var (shift, z) = (Rows(_shift), Rows(noise.to(ScalarType.Float64)));
        var along = (z * shift).sum(1, keepdim: true) / shift.square().sum(1, keepdim: true);
        var turned = z - (shift * along).mul(twice);
        return target.to(ScalarType.Float64).add(turned.reshape(target.shape), factor).to(draft.dtype);
    }

    private static Tensor Rows(Tensor values) => values.dim() == 1 ? values.unsqueeze(1) : values.flatten(1);
}
