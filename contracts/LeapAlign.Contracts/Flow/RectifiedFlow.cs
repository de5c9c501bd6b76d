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
        using TorchSharp.Scalar factor = delta;
        return latents.add(velocity.to(latents.dtype), factor);
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
        var difference = (left.detach().to(ScalarType.Float64) - right.detach().to(ScalarType.Float64)).abs();
        return difference.dim() == 1 ? difference : difference.flatten(1).mean([1]);
    }
}
