using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>Makes the matrix of its columns and takes its singular values: for some hundred numbers, whatever A is. A singular A gets a ridge, and the solution says so.</summary>
public sealed class DenseSolver : ILinearSolver
{
    /// <summary>The most numbers.</summary>
    public const int Largest = 500;

    // Below this part of the largest, a singular value is none.
    private const double Least = 1e-12;

    // The root of what is added to the squares, as a part of the largest.
    private const double Ridge = 1e-6;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are more than <see cref="Largest"/> numbers.</exception>
    public LinearSolution Solve(LinearMap map, Tensor right, LinearEnd end)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(right);
        var numbers = (int)right.numel();
        if (numbers > Largest) throw new ArgumentException($"{numbers} numbers, at most {Largest}", nameof(right));
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var units = eye(numbers, dtype: ScalarType.Float64, device: right.device);
        var matrix = stack(Enumerable.Range(0, numbers).Select(column => map(units[column])), 1);
        var (left, values, rightTransposed) = linalg.svd(matrix, fullMatrices: false);
        var largest = values.max().item<double>();
        var ridge = values.min().item<double>() <= Least * largest ? Math.Pow(Ridge * Math.Max(largest, double.Epsilon), 2) : 0;
        var solution = rightTransposed.t().matmul(values / (values.square() + ridge) * left.t().matmul(right));
        var all = right.norm().item<double>();
        var residual = all == 0 ? 0 : ((right - matrix.matmul(solution)).norm() / all).item<double>();
        return new LinearSolution(solution.MoveToOuterDisposeScope(), numbers, residual) { Ridge = ridge };
    }
}
