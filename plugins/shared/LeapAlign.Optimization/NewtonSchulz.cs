using static TorchSharp.torch;

namespace LeapAlign.Optimization;

/// <summary>
/// Makes a matrix roughly orthogonal: <c>U Σ Vᵀ → U S Vᵀ</c> with the singular values S near 1. From <c>X = G / ‖G‖</c> each step is
/// <c>X ← a X + (b A + c A²) X</c>, <c>A = X Xᵀ</c>: an odd polynomial of the singular values, which rises steeply at 0 and then stays about 1 without converging to it
/// (Jordan and others 2024, https://kellerjordan.github.io/posts/muon).
/// </summary>
public static class NewtonSchulz
{
    private const double A = 3.4445;
    private const double B = -4.7750;
    private const double C = 2.0315;

    // A matrix of zeros stays one.
    private const double Least = 1e-7;

    /// <summary>The matrix of the nearest directions.</summary>
    /// <param name="matrix">[rows, columns].</param>
    /// <param name="steps">Steps of the iteration.</param>
    /// <param name="type">The precision of the iteration.</param>
    /// <returns>[rows, columns] in that precision.</returns>
    public static Tensor Orthogonal(Tensor matrix, int steps, ScalarType type)
    {
        using var scope = NewDisposeScope();
        // X Xᵀ is the smaller product when X is wide.
        var tall = matrix.shape[0] > matrix.shape[1];
        var x = (matrix / matrix.norm().clamp_min(Least)).to(type);
        if (tall) x = x.t();
        for (var step = 0; step < steps; step++)
        {
            var gram = x.matmul(x.t());
            x = (A * x) + ((B * gram) + (C * gram.matmul(gram))).matmul(x);
        }
        return (tall ? x.t() : x).MoveToOuterDisposeScope();
    }
}
