using LeapAlign.Contracts.Flow;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Matching;

/// <summary>Errors of each sample, as means over all its dimensions, so that no weight depends on the size of the latents. In fp64, [B].</summary>
public static class SampleErrors
{
    private static readonly Scalar s_floor = 1e-5;

    /// <summary><c>mean_d (a − b)²</c>, with gradient.</summary>
    public static Tensor Square(Tensor left, Tensor right) => RectifiedFlow.Mean((left.to(ScalarType.Float64) - right.to(ScalarType.Float64)).square());

    /// <summary>
    /// <c>mean_d (a − b)² / w</c> with <c>w = max(mean_d |a − b|, 1e-5)</c> held constant: the size of the gradient does not depend on how large the error is
    /// (DiffusionNFT, arXiv 2509.16117).
    /// </summary>
    public static Tensor Adaptive(Tensor left, Tensor right) => Square(left, right) / RectifiedFlow.Distance(left, right).clamp_min(s_floor);
}
