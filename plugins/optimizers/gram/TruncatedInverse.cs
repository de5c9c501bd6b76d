using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram;

/// <summary>The pseudo-inverse of a matrix M with few rows, cut to its largest singular values, by way of <c>M Mᵀ = U Λ Uᵀ</c>.</summary>
/// <param name="Coefficients"><c>U_k Λ_k⁻¹ U_kᵀ R</c>, [m] in fp64: <c>M⁺ R = Mᵀ</c> times this. It belongs to the scope of who asked.</param>
/// <param name="Kept">Singular values that were inverted.</param>
/// <param name="Spread">The largest of them over the smallest; 0 where there is none.</param>
internal sealed record TruncatedInverse(Tensor Coefficients, int Kept, double Spread)
{
    // A singular value of a gradient that is zero.
    private const double Least = 1e-10;

    /// <summary>Inverts.</summary>
    /// <param name="gram">M Mᵀ, [m, m], fp64, on the CPU.</param>
    /// <param name="residuals">R, [m], fp64.</param>
    /// <param name="rank">k, the most singular values that are inverted.</param>
    /// <param name="rtol">The least of them, relative to the largest.</param>
    public static TruncatedInverse Of(Tensor gram, Tensor residuals, int rank, double rtol)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        // Ascending.
        var (squares, vectors) = linalg.eigh(gram);
        var values = squares.clamp_min(0).sqrt().data<double>().ToArray();
        var largest = values[^1];
        double[] inverse = [.. values.Select((value, place) => place >= values.Length - rank && value > rtol * largest && value > Least ? 1 / (value * value) : 0)];
        var kept = inverse.Count(static factor => factor > 0);
        var coefficients = vectors.matmul(vectors.t().matmul(residuals) * tensor(inverse, ScalarType.Float64));
        return new TruncatedInverse(coefficients.MoveToOuterDisposeScope(), kept, kept == 0 ? 0 : largest / values[^kept]);
    }
}
