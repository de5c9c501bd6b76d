using LeapAlign.Contracts.Flow;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Samplers;

/// <summary>A random step of a stochastic sampler: <c>x_{i+1} = μ + c z</c> with z standard normal. It does not own its tensors.</summary>
/// <param name="mean">μ, [B, ...], with the graph of the velocity.</param>
/// <param name="deviation">c ≥ 0, the standard deviation of the step.</param>
/// <param name="scale">s, the noise scale of the sampler's family, for Flow-GRPO's form of the KL term; c = s √(−Δ) for diffusions.</param>
/// <param name="normalized">Whether the log-probability is that of the normal distribution; false for the plain squared error of CPS.</param>
public sealed class Transition(Tensor mean, double deviation, double scale, bool normalized = true)
{
    private static readonly double s_halfLogTwoPi = 0.5 * Math.Log(2 * Math.PI);

    /// <summary>μ, [B, ...].</summary>
    public Tensor Mean { get; } = mean;

    /// <summary>c.</summary>
    public double Deviation { get; } = deviation;

    /// <summary>s.</summary>
    public double Scale { get; } = scale;

    /// <summary>Whether the log-probability is that of the normal distribution.</summary>
    public bool Normalized { get; } = normalized;

    /// <summary><c>μ + c z</c>.</summary>
    /// <param name="noise">z, the shape of μ.</param>
    public Tensor Next(Tensor noise)
    {
        using Scalar factor = Deviation;
        return Mean.add(noise.to(Mean.dtype), factor);
    }

    /// <summary>
    /// The log-probability of a state, as a mean over every dimension but the first, so that it does not depend on the size of the latents
    /// (Flow-GRPO, arXiv 2505.05470): <c>mean_d[−(x − μ)² / (2c²)] − ln c − ½ ln 2π</c>, or <c>−mean_d (x − μ)²</c> when it is not normalized. Gradient
    /// reaches μ alone: the state is a constant. In fp64: it is a number of order one, and the differences that methods learn from begin at parts in 10⁷.
    /// </summary>
    /// <param name="next">x_{i+1}, the shape of μ.</param>
    /// <returns>[B], fp64.</returns>
    /// <exception cref="InvalidOperationException">The step is deterministic and has no density.</exception>
    public Tensor LogProbability(Tensor next)
    {
        ArgumentNullException.ThrowIfNull(next);
        if (!(Deviation > 0)) throw new InvalidOperationException("a step without noise has no density");
        var error = RectifiedFlow.Mean((next.detach().to(ScalarType.Float64) - Mean.to(ScalarType.Float64)).square());
        if (!Normalized) return error.neg();
        using Scalar factor = -0.5 / (Deviation * Deviation), constant = -Math.Log(Deviation) - s_halfLogTwoPi;
        return error.mul(factor).add(constant);
    }
}
