using static TorchSharp.torch;

namespace LeapAlign.Networks.Flux;

/// <summary>
/// How times and guidance scales are rounded before they are encoded. In fp32 nothing is lost; bf16 has 8 significant bits, so that a time near 1000 is a multiple of
/// 4 and a guidance scale of 3.5 counts as 3.504. Published models are drawn with and trained on these values.
/// </summary>
public static class FluxTime
{
    private static readonly TorchSharp.Scalar Thousand = 1000;

    /// <summary>
    /// σ as diffusers' <c>FluxPipeline</c> gives it to the transformer: the scheduler's 1000 σ is rounded to the pipeline's type, and divided by 1000 in it.
    /// A model that is to draw what the pipeline draws passes its sigmas through this.
    /// </summary>
    /// <param name="sigma">[B], fp32.</param>
    /// <param name="type">The type of the pipeline's latents.</param>
    /// <returns>[B] in that type.</returns>
    public static Tensor OfPipeline(Tensor sigma, ScalarType type)
    {
        ArgumentNullException.ThrowIfNull(sigma);
        using var scope = NewDisposeScope();
        return sigma.mul(Thousand).to(type).div(Thousand).MoveToOuterDisposeScope();
    }

    /// <summary>1000 times a σ or a guidance scale, rounded to the compute type before and after.</summary>
    internal static Tensor Encoded(Tensor value, ScalarType type)
    {
        using var scope = NewDisposeScope();
        return value.to(type).mul(Thousand).MoveToOuterDisposeScope();
    }
}
