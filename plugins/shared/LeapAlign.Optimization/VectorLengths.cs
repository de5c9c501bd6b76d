using static TorchSharp.torch;

namespace LeapAlign.Optimization;

/// <summary>Vectors over all weights, in one tensor for each parameter.</summary>
public static class VectorLengths
{
    /// <summary>The Euclidean length, in fp64; null is zero.</summary>
    public static double Length(this IEnumerable<Tensor?> vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return Math.Sqrt(vector.Sum(static part => part is null ? 0 : part.detach().to(ScalarType.Float64).square().sum().item<double>()));
    }
}
