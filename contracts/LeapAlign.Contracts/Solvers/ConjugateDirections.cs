using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>
/// Conjugate directions for symmetric positive definite A, with directions that a function of the residual proposes: conjugate gradients without one, and DCDM (Kaneda et al. 2022, arXiv 2205.10763) where a
/// network proposes. A proposal is made conjugate to the last two directions alone: the function is not linear, so that no recurrence reaches further back.
/// </summary>
/// <param name="propose">Proposes a direction for a residual of length 1, [n]; null takes the residual.</param>
public sealed class ConjugateDirections(Func<Tensor, Tensor>? propose = null) : ILinearSolver
{
    private const int Kept = 2;

    /// <inheritdoc/>
    public LinearSolution Solve(LinearMap map, Tensor right, LinearEnd end)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(right);
        ArgumentNullException.ThrowIfNull(end);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (value, residual) = (zeros_like(right), right.clone());
        var all = right.norm().item<double>();
        var (length, iterations) = (all, 0);
        List<(Tensor Direction, Tensor Image, double Curvature)> last = [];
        for (; iterations < end.Most && length > end.Tolerance * all; iterations++)
        {
            using var inner = NewDisposeScope();
            var proposed = propose is null ? residual / length : propose(residual / length);
            var direction = proposed;
            // Both coefficients from what was proposed.
            foreach (var (before, image, curvature) in last) direction = direction - (before * (proposed.dot(image).item<double>() / curvature));
            var moved = map(direction);
            var bend = direction.dot(moved).item<double>();
            if (!(bend > 0))
            {
                Forget(last);
                direction = residual.clone();
                moved = map(direction);
                bend = direction.dot(moved).item<double>();
                // Not positive definite, or a residual that is no number any more.
                if (!(bend > 0)) break;
            }
            value.add_(direction, alpha: direction.dot(residual).item<double>() / bend);
            // Anew, since errors of a recurrence would stay.
            residual.copy_(right - map(value));
            length = residual.norm().item<double>();
            last.Add((direction.MoveToOuterDisposeScope(), moved.MoveToOuterDisposeScope(), bend));
            if (last.Count > Kept) Forget(last, last.Count - Kept);
        }
        return new LinearSolution(value.MoveToOuterDisposeScope(), iterations, all == 0 ? 0 : length / all);
    }

    private static void Forget(List<(Tensor Direction, Tensor Image, double Curvature)> last, int? count = null)
    {
        var some = count ?? last.Count;
        foreach (var (direction, image, _) in last.Take(some))
        {
            direction.Dispose();
            image.Dispose();
        }
        last.RemoveRange(0, some);
    }
}
