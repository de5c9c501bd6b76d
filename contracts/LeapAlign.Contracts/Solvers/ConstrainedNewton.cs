using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>A problem <c>min f(x), c(x) = 0</c> at a place, for some hundred numbers.</summary>
/// <param name="Value">f.</param>
/// <param name="Gradient">∇f, [n], fp64.</param>
/// <param name="Constraints">c, [m], fp64.</param>
/// <param name="Jacobian">G = ∂c/∂x, [m, n], fp64.</param>
/// <param name="Hessian">Makes W = ∇²_xx (f + λᵀc), [n, n], fp64: once for each step, and not where a step is only tried.</param>
public sealed record ConstrainedAt(double Value, Tensor Gradient, Tensor Constraints, Tensor Jacobian, Func<Tensor> Hessian);

/// <summary>Evaluates a constrained problem.</summary>
/// <param name="point">x, [n], fp64.</param>
/// <param name="multipliers">λ, [m], fp64.</param>
public delegate ConstrainedAt ConstrainedProblem(Tensor point, Tensor multipliers);

/// <summary>What a constrained problem was solved to.</summary>
/// <param name="Point">x.</param>
/// <param name="Multipliers">λ.</param>
/// <param name="At">The problem there.</param>
/// <param name="Iterations">Steps.</param>
/// <param name="Projections">Rows or sketches that linear systems took; 0 for exact solves.</param>
/// <param name="Residual">‖(∇f + Gᵀλ, c)‖.</param>
public sealed record ConstrainedSolution(Tensor Point, Tensor Multipliers, ConstrainedAt At, int Iterations, long Projections, double Residual);

/// <summary>
/// Newton's method for equalities with a line search on the exact augmented Lagrangian <c>f + λᵀc + η1/2 ‖c‖² + η2/2 ‖∇L‖²</c>, whose linear systems are solved exactly or by sketches to an accuracy that adapts
/// (AdaSketch-Newton, Hong, Na, Mahoney and Kolar 2023, arXiv 2305.18379).
/// </summary>
/// <remarks>Two corrections to the published source: the gradient of the merit function has W ∇L, with the Hessian of the Lagrangian, and the first projection the sign of the later ones.</remarks>
public static class ConstrainedNewton
{
    // Shifts and slopes, as published: ξ, β.
    private const double Shift = 0.1, Slope = 0.1;

    // Below this eigenvalue of G Gᵀ constraints are not independent; below the other W is not convex along them.
    private const double LeastRank = 1e-2, LeastCurvature = 1e-6;

    /// <summary>Solves from a place.</summary>
    /// <param name="problem">f, c and derivatives.</param>
    /// <param name="point">Where to begin, [n], fp64.</param>
    /// <param name="multipliers">λ to begin with, [m], fp64.</param>
    /// <param name="form">How; null solves linear systems exactly.</param>
    /// <param name="told">Hears of each step: its number, x, λ and the length of the step.</param>
    /// <returns>LA5046 where constraints are not independent, where values are not finite, or where the steps did not come to the tolerance.</returns>
    public static Result<ConstrainedSolution> Solve(ConstrainedProblem problem, Tensor point, Tensor multipliers, ConstrainedForm? form = null, Action<int, Tensor, Tensor, double>? told = null)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(point);
        ArgumentNullException.ThrowIfNull(multipliers);
        form ??= new ConstrainedForm();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var iterate = new ConstrainedIterate(problem, point.detach().clone(), multipliers.detach().clone());
        var merit = new AugmentedLagrangian(form.ConstraintWeight, form.GradientWeight);
        var accuracy = form.Accuracy;
        long projections = 0;
        for (var step = 0; ; step++)
        {
            if (!double.IsFinite(iterate.Residual)) return Unsolved(FormattableString.Invariant($"after {step} steps f, c or a derivative is not finite"));
            if (iterate.Residual <= form.Tolerance) return iterate.Solution(step, projections);
            if (step == form.Most) return Unsolved(FormattableString.Invariant($"after {step} steps ‖(∇L, c)‖ is {iterate.Residual:G3}, which was to be {form.Tolerance:G3}"));
            using var inner = NewDisposeScope();
            var rank = iterate.Constraints == 0 ? 1 : linalg.eigvalsh(iterate.At.Jacobian.matmul(iterate.At.Jacobian.t()))[0].item<double>();
            if (rank < LeastRank) return Unsolved(FormattableString.Invariant($"after {step} steps the least eigenvalue of G Gᵀ is {rank:G3}: constraints depend on each other, or on none of the numbers"));
            var hessian = iterate.At.Hessian();
            var system = KktSystem.Of(iterate.At, iterate.LagrangianGradient, Curved(iterate.At.Jacobian, hessian));
            var bounds = system.Bounds((iterate.At.Jacobian, hessian), Math.Min(rank, 1), Shift);
            accuracy = Math.Max(Math.Min(accuracy, merit.Bound(bounds, Slope)), form.LeastAccuracy);
            var solver = form.Begin(system, step);
            var slope = 0.0;
            while (true)
            {
                projections += solver.Until(residual => system.Norm * bounds.Psi * residual <= accuracy * system.RightNorm, form.MostProjections);
                slope = merit.Gradient(iterate.At, hessian, iterate.LagrangianGradient).dot(solver.Value).item<double>();
                if (merit.Falls(slope, system.RightNorm) || merit.IsAtItsEnd) break;
                (merit, accuracy) = merit.Sharper(accuracy);
                accuracy = Math.Max(Math.Min(accuracy, merit.Bound(bounds, Slope)), form.LeastAccuracy);
            }
            var (next, length) = Searched(iterate, merit, solver.Value, slope);
            iterate = next.MoveTo(scope);
            told?.Invoke(step + 1, iterate.Point, iterate.Multipliers, length);
        }
    }

    // From step 1, halving.
    private static (ConstrainedIterate, double) Searched(ConstrainedIterate from, AugmentedLagrangian merit, Tensor direction, double slope)
    {
        var here = merit.Of(from);
        for (var length = 1.0; ; length /= 2)
        {
            var next = from.Moved(direction, length);
            if (merit.Of(next) <= here + (length * Slope * slope) || length < 1e-12) return (next, length);
        }
    }

    // W, or W made convex where it is not along the constraints.
    private static Tensor Curved(Tensor jacobian, Tensor hessian)
    {
        var (numbers, constraints) = (jacobian.shape[1], jacobian.shape[0]);
        if (constraints >= numbers) return hessian;
        var along = constraints == 0 ? eye(numbers, dtype: ScalarType.Float64) : linalg.qr(jacobian.t(), linalg.QRMode.Complete).Q.narrow(1, constraints, numbers - constraints);
        if (linalg.eigvalsh(along.t().matmul(hessian).matmul(along))[0].item<double>() >= LeastCurvature) return hessian;
        return hessian + (eye(numbers, dtype: ScalarType.Float64) * (Shift + hessian.norm().item<double>()));
    }

    private static Fault.Run Unsolved(string why) => new(FaultCodes.ConstrainedUnsolved, $"the minimum under equalities was not found: {why}");
}
