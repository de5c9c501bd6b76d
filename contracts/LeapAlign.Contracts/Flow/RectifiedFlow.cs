using static TorchSharp.torch;

namespace LeapAlign.Contracts.Flow;

/// <summary>
/// The mathematics that every method on a rectified flow <c>x_σ = (1−σ) x_0 + σ ε</c> shares. All of it keeps the type of its inputs: fp32 in a run, fp64
/// where a distance or an oracle asks for it.
/// </summary>
public static class RectifiedFlow
{
    /// <summary><c>x + Δ v</c>: an Euler step of any length.</summary>
    /// <param name="latents">x, [B, ...].</param>
    /// <param name="velocity">v, the shape of x.</param>
    /// <param name="delta">Δ = σ_to − σ_from.</param>
    public static Tensor Leap(Tensor latents, Tensor velocity, double delta)
    {
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(velocity);
        using TorchSharp.Scalar factor = delta;
        // to() makes a second handle even of the same type, which would keep the velocity of every step of a rollout alive.
        using var converted = velocity.dtype == latents.dtype ? null : velocity.to(latents.dtype);
        return latents.add(converted ?? velocity, factor);
    }

    /// <summary><c>C(predicted, reached) = predicted + sg(reached − predicted)</c>: the value of what was reached, the gradient of the prediction.</summary>
    public static Tensor Connect(Tensor predicted, Tensor reached) => predicted + (reached - predicted).detach();

    /// <summary><c>G_f(y) = sg(y) + f (y − sg(y))</c>: the value of y, its gradient times f.</summary>
    public static Tensor ScaleGradient(Tensor value, double factor)
    {
        if (factor == 1) return value;
        var still = value.detach();
        if (factor <= 0) return still;
        using TorchSharp.Scalar scale = factor;
        return still.add(value - still, scale);
    }

    /// <summary><c>mean_d |a − b|</c> over every dimension but the first, without gradient, in fp64.</summary>
    /// <returns>[B].</returns>
    public static Tensor Distance(Tensor left, Tensor right)
    {
        using var _ = no_grad();
        var difference = left.detach().to(ScalarType.Float64) - right.detach().to(ScalarType.Float64);
        // Not abs(): libtorch has none for the "meta" device, on which the shapes of full-size models are checked.
        var absolute = maximum(difference, difference.neg());
        return Mean(absolute);
    }

    /// <summary><c>mean_d</c>: over every dimension but the first, so that a number for each sample does not depend on the size of the latents.</summary>
    /// <param name="values">[B, ...].</param>
    /// <returns>[B], with gradient.</returns>
    public static Tensor Mean(Tensor values) => values.dim() == 1 ? values : values.flatten(1).mean([1]);
}
