using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Weights that follow others slowly, <c>θ̄ ← d θ̄ + (1 − d) θ</c>. In fp32 a part (1 − d) of a difference is lost once it is smaller than the rounding of θ̄: at
/// d = 0.9999 an average is some 6 % short, at 0.999999 it never moves. Beyond <see cref="MostInSingle"/> they are therefore kept in fp64, which costs their memory
/// once more.
/// </summary>
internal static class LaggedWeights
{
    /// <summary>The largest decay for which fp32 is kept: the rounding is about a thousandth of a difference of 0.01.</summary>
    public const double MostInSingle = 0.98;

    /// <summary>The precision for all decays that will come. A decay of 1 moves nothing, and one of 0 copies.</summary>
    public static ScalarType TypeFor(IEnumerable<double> decays) => decays.Any(static decay => decay is > MostInSingle and < 1) ? ScalarType.Float64 : ScalarType.Float32;

    /// <summary>A copy of a weight to begin with, outside of dispose scopes.</summary>
    public static Tensor Begin(Tensor weight, ScalarType type) => weight.detach().to(type, copy: true).DetachFromDisposeScope();

    /// <summary>Moves a weight.</summary>
    /// <param name="lagged">θ̄.</param>
    /// <param name="weight">θ.</param>
    /// <param name="decay">d.</param>
    public static void Move(Tensor lagged, Tensor weight, double decay)
    {
        using TorchSharp.Scalar kept = decay, taken = 1 - decay;
        lagged.mul_(kept).add_(weight, taken);
    }
}
