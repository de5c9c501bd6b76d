using LeapAlign.Optimization;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>
/// The norm that a tensor's updates are measured in: the direction of unit norm that a linear function falls along fastest, and the length of a gradient in the dual norm
/// (Scion, Pethick and others 2025, arXiv 2502.07529).
/// </summary>
internal abstract class LayerNorm
{
    /// <summary>Matrices: how much longer, in the root of the mean square, an output gets at most.</summary>
    public static LayerNorm Hidden { get; } = new OperatorNorm();

    /// <summary>Embeddings and heads: the largest number of all.</summary>
    public static LayerNorm Embedding { get; } = new LargestNumber();

    /// <summary>Everything else: the root of the mean square.</summary>
    public static LayerNorm Vector { get; } = new RootMeanSquare();

    /// <summary>The direction against a gradient: the minimiser of ⟨G, D⟩ over the unit ball, of G's shape; zero where G is.</summary>
    public abstract Tensor Direction(Tensor gradient);

    /// <summary>The dual norm of a gradient, <c>max ⟨G, −D⟩</c>.</summary>
    public abstract double Dual(Tensor gradient);

    private sealed class OperatorNorm : LayerNorm
    {
        // As wide as a decomposition is quick; wider ones take five steps of a Newton-Schulz iteration.
        private const long Narrow = 64;

        public override Tensor Direction(Tensor gradient)
        {
            using var scope = NewDisposeScope();
            var matrix = gradient.flatten(1);
            return (Polar(matrix) * -Scale(matrix)).reshape(gradient.shape).to(gradient.dtype).MoveToOuterDisposeScope();
        }

        public override double Dual(Tensor gradient)
        {
            using var scope = NewDisposeScope();
            var matrix = gradient.flatten(1);
            var nuclear = IsNarrow(matrix) ? linalg.svdvals(matrix.to(ScalarType.Float64)).sum() : (matrix * Polar(matrix)).to(ScalarType.Float64).sum();
            return Scale(matrix) * nuclear.item<double>();
        }

        // U Vᵀ, without the directions that are not in the matrix: they would be those of roundings.
        private static Tensor Polar(Tensor matrix)
        {
            if (!IsNarrow(matrix)) return NewtonSchulz.Orthogonal(matrix, 5, matrix.dtype);
            var (u, values, v) = linalg.svd(matrix.to(ScalarType.Float64), fullMatrices: false);
            var rounding = Math.Max(matrix.shape[0], matrix.shape[1]) * (matrix.dtype == ScalarType.Float64 ? 2.2e-16 : 1.2e-7);
            var there = values.gt(values.max() * rounding).to(ScalarType.Float64);
            return (u * there).matmul(v);
        }

        private static bool IsNarrow(Tensor matrix) => Math.Min(matrix.shape[0], matrix.shape[1]) <= Narrow;

        private static double Scale(Tensor matrix) => Math.Sqrt((double)matrix.shape[0] / matrix.shape[1]);
    }

    private sealed class LargestNumber : LayerNorm
    {
        public override Tensor Direction(Tensor gradient) => gradient.sign().neg_();

        public override double Dual(Tensor gradient)
        {
            using var scope = NewDisposeScope();
            return gradient.to(ScalarType.Float64).abs().sum().item<double>();
        }
    }

    private sealed class RootMeanSquare : LayerNorm
    {
        public override Tensor Direction(Tensor gradient)
        {
            using var scope = NewDisposeScope();
            var length = Length(gradient);
            return (length == 0 ? zeros_like(gradient) : gradient * (-Math.Sqrt(gradient.numel()) / length)).MoveToOuterDisposeScope();
        }

        public override double Dual(Tensor gradient) => Math.Sqrt(gradient.numel()) * Length(gradient);

        private static double Length(Tensor gradient)
        {
            using var scope = NewDisposeScope();
            return gradient.to(ScalarType.Float64).norm().item<double>();
        }
    }
}
