using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>A square matrix by its products.</summary>
/// <param name="vector">[n], fp64.</param>
/// <returns>A x, [n], fp64.</returns>
public delegate Tensor LinearMap(Tensor vector);

/// <summary>When a solver ends.</summary>
/// <param name="Tolerance">At a residual of that part of the right side.</param>
/// <param name="Most">After so many iterations.</param>
public sealed record LinearEnd(double Tolerance = 1e-10, int Most = 1000);

/// <summary>What a solver came to.</summary>
/// <param name="Value">x, [n], fp64.</param>
/// <param name="Iterations">How many it took; for a solver of all at once, the products.</param>
/// <param name="Residual">‖b − A x‖ / ‖b‖.</param>
public sealed record LinearSolution(Tensor Value, int Iterations, double Residual)
{
    /// <summary>What was added to the diagonal of AᵀA because A is singular; 0 where it is not.</summary>
    public double Ridge { get; init; }
}

/// <summary>Solves A x = b by products with A.</summary>
public interface ILinearSolver
{
    /// <summary>Solves.</summary>
    /// <param name="map">A.</param>
    /// <param name="right">b, [n], fp64.</param>
    /// <param name="end">When to end.</param>
    LinearSolution Solve(LinearMap map, Tensor right, LinearEnd end);
}
