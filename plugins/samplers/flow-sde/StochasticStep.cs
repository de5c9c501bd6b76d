using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>
/// The two kinds of random steps from σ to σ' &lt; σ, as a linear combination of state and velocity: the coefficients are fp64, the tensors keep the type of the
/// state.
/// </summary>
public static class StochasticStep
{
    /// <summary>
    /// A step of the reverse SDE with the same marginals as the flow: <c>μ = x + Δ v + (s² Δ / 2σ)(x + (1−σ) v)</c>, <c>c = s √(−Δ)</c>
    /// (Flow-GRPO, arXiv 2505.05470, equation 9; DanceGRPO, arXiv 2505.07818, with constant s).
    /// </summary>
    /// <param name="latents">x at σ, [B, ...].</param>
    /// <param name="velocity">v at x, the shape of x.</param>
    /// <param name="sigma">σ &gt; 0.</param>
    /// <param name="next">σ' ≥ 0.</param>
    /// <param name="scale">s ≥ 0; 0 is the Euler step.</param>
    public static Transition Diffusion(Tensor latents, Tensor velocity, double sigma, double next, double scale)
    {
        var delta = next - sigma;
        if (scale == 0) return Euler(latents, velocity, delta);
        var pull = scale * scale * delta / (2 * sigma);
        return new Transition(Combined(latents, velocity, 1 + pull, delta + (pull * (1 - sigma))), scale * Math.Sqrt(-delta), scale);
    }

    /// <summary>
    /// Part of the predicted noise is replaced by fresh noise, so that the total stays at σ' (arXiv 2509.05952): <c>s = σ' sin(aπ/2)</c>,
    /// <c>μ = (1−σ') x̂_0 + σ' cos(aπ/2) ε̂</c>, with <c>x̂_0 = x − σ v</c> and <c>ε̂ = x + (1−σ) v</c>. Its log-probability is the plain squared error.
    /// </summary>
    /// <inheritdoc cref="Diffusion"/>
    /// <param name="latents">x at σ, [B, ...].</param>
    /// <param name="velocity">v at x, the shape of x.</param>
    /// <param name="sigma">σ &gt; 0.</param>
    /// <param name="next">σ' ≥ 0.</param>
    /// <param name="noiseLevel">a in [0, 1]; 0 is the Euler step, 1 noises x̂_0 anew.</param>
    public static Transition CoefficientsPreserving(Tensor latents, Tensor velocity, double sigma, double next, double noiseLevel)
    {
        var (sine, cosine) = Math.SinCos(noiseLevel * Math.PI / 2);
        var deviation = next * sine;
        if (deviation == 0) return Euler(latents, velocity, next - sigma, normalized: false);
        var (ofData, ofNoise) = (1 - next, next * cosine);
        var mean = Combined(latents, velocity, ofData + ofNoise, (ofNoise * (1 - sigma)) - (ofData * sigma));
        return new Transition(mean, deviation, deviation, normalized: false);
    }

    private static Transition Euler(Tensor latents, Tensor velocity, double delta, bool normalized = true) =>
        new(RectifiedFlow.Leap(latents, velocity, delta), 0, 0, normalized);

    private static Tensor Combined(Tensor latents, Tensor velocity, double ofLatents, double ofVelocity)
    {
        using Scalar first = ofLatents, second = ofVelocity;
        using var scaled = latents.mul(first);
        return scaled.add(velocity.to(latents.dtype), second);
    }
}
