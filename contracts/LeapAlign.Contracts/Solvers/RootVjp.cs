using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>A function whose root x*(φ) something has solved for: F(x*, φ) = 0, by tensor operations.</summary>
/// <param name="solution">x, [n], fp64.</param>
/// <param name="parameters">φ.</param>
/// <returns>[n].</returns>
public delegate Tensor RootFunction(Tensor solution, IReadOnlyList<Tensor> parameters);

/// <summary>How a root is differentiated.</summary>
public sealed record RootForm
{
    /// <summary>The solver; null takes <see cref="DenseSolver"/> up to its limit, and <see cref="Gmres"/> beyond.</summary>
    public ILinearSolver? Solver { get; init; }

    /// <summary>What ‖F(x*)‖ may be, as a part of max(1, ‖x*‖): the error of a gradient is that of x* over the least singular value of ∂F/∂x.</summary>
    public double Solved { get; init; } = 1e-6;

    /// <summary>When the linear solver ends.</summary>
    public LinearEnd End { get; init; } = new();
}

/// <summary>Derivatives of a root.</summary>
/// <param name="Values">For each of φ, its shape; zeros for one that F does not depend on.</param>
/// <param name="Solution">What the linear solver came to.</param>
public sealed record RootGradients(IReadOnlyList<Tensor> Values, LinearSolution Solution);

/// <summary>
/// Derivatives of what is solved, by the implicit function theorem (Blondel et al. 2021, arXiv 2105.15183): whatever found the root, without its iterations, at the memory of one evaluation of F. Products with Aᵀ,
/// A = ∂F/∂x, are backward passes.
/// </summary>
public static class RootVjp
{
    /// <summary>The gradient of <c>⟨c, x*(φ)⟩</c>: u from <c>Aᵀ u = −c</c>, then <c>Bᵀ u</c> with B = ∂F/∂φ.</summary>
    /// <param name="function">F.</param>
    /// <param name="solution">x*, [n], fp64.</param>
    /// <param name="parameters">φ, fp64.</param>
    /// <param name="cotangent">c, [n], fp64.</param>
    /// <param name="form">How; null takes the defaults.</param>
    /// <returns>LA5044 where x* is no root, LA5045 where the linear system is not solved.</returns>
    public static Result<RootGradients> Of(RootFunction function, Tensor solution, IReadOnlyList<Tensor> parameters, Tensor cotangent, RootForm? form = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(solution);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(cotangent);
        form ??= new RootForm();
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        var (point, given, residual) = At(function, solution, parameters);
        if (NotSolved(residual, point, form) is { } unsolved) return unsolved;
        var solved = Solver(form, point).Solve(vector => Product(residual, point, vector), cotangent.detach().neg(), form.End);
        if (Failed(solved, form) is { } failed) return failed;
        var gradients = Products(residual, given, solved.Value).Select(static gradient => gradient.MoveToOuterDisposeScope()).ToList();
        return new RootGradients(gradients, solved with { Value = solved.Value.MoveToOuterDisposeScope() });
    }

    /// <summary>The derivative of x* along a direction of φ: <c>A ẋ = −B φ̇</c>. Products with A are backward passes of backward passes.</summary>
    /// <param name="function">F.</param>
    /// <param name="solution">x*, [n], fp64.</param>
    /// <param name="parameters">φ, fp64.</param>
    /// <param name="tangents">φ̇, the shapes of φ.</param>
    /// <param name="form">How; null takes the defaults.</param>
    /// <returns>ẋ, or LA5044 or LA5045.</returns>
    public static Result<LinearSolution> Along(RootFunction function, Tensor solution, IReadOnlyList<Tensor> parameters, IReadOnlyList<Tensor> tangents, RootForm? form = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(solution);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(tangents);
        form ??= new RootForm();
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        var (point, given, residual) = At(function, solution, parameters);
        if (NotSolved(residual, point, form) is { } unsolved) return unsolved;
        // Linear in the vector that it is taken with: its own gradient along another is the product the other way.
        var any = zeros_like(residual).requires_grad_();
        Tensor Forward(IReadOnlyList<Tensor> of, IReadOnlyList<Tensor> directions)
        {
            var products = autograd.grad([residual], [.. of], [any], retain_graph: true, create_graph: true, allow_unused: true);
            var sum = products.Zip(directions).Where(static pair => pair.First is { IsInvalid: false, requires_grad: true }).Select(static pair => (pair.First * pair.Second).sum()).ToList();
            if (sum.Count == 0) return zeros_like(residual.detach());
            var found = autograd.grad([sum.Aggregate(static (left, right) => left + right)], [any], retain_graph: true, allow_unused: true)[0];
            return found is { IsInvalid: false } ? found.detach() : zeros_like(residual.detach());
        }
        LinearMap map = vector =>
        {
            using var gradients = enable_grad();
            return Forward([point], [vector]);
        };
        var solved = Solver(form, point).Solve(map, Forward(given, tangents).neg(), form.End);
        return Failed(solved, form) is { } failed ? failed : solved with { Value = solved.Value.MoveToOuterDisposeScope() };
    }

    // F at the solution, with a graph of its own.
    private static (Tensor Point, Tensor[] Given, Tensor Residual) At(RootFunction function, Tensor solution, IReadOnlyList<Tensor> parameters)
    {
        var point = solution.detach().requires_grad_();
        Tensor[] given = [.. parameters.Select(static parameter => parameter.detach().requires_grad_())];
        return (point, given, function(point, given));
    }

    private static ILinearSolver Solver(RootForm form, Tensor point) => form.Solver ?? (point.numel() <= DenseSolver.Largest ? new DenseSolver() : new Gmres());

    private static Tensor Product(Tensor residual, Tensor point, Tensor vector) => Products(residual, [point], vector)[0];

    // Zeros where the residual does not depend on it.
    private static Tensor[] Products(Tensor residual, IReadOnlyList<Tensor> of, Tensor vector)
    {
        if (!residual.requires_grad || of.Count == 0) return [.. of.Select(static one => zeros_like(one.detach()))];
        var products = autograd.grad([residual], [.. of], [vector], retain_graph: true, allow_unused: true);
        return [.. products.Zip(of, static (product, one) => product is { IsInvalid: false } ? product.detach() : zeros_like(one.detach()))];
    }

    private static Fault.Run? NotSolved(Tensor residual, Tensor point, RootForm form)
    {
        if (!residual.shape.SequenceEqual(point.shape)) throw new ArgumentException($"a function of shape [{string.Join(", ", residual.shape)}] of a solution of shape [{string.Join(", ", point.shape)}]; they have to be alike");
        var (length, allowed) = (residual.detach().norm().item<double>(), form.Solved * Math.Max(1, point.detach().norm().item<double>()));
        return length <= allowed ? null : new Fault.Run(FaultCodes.RootNotSolved, FormattableString.Invariant($"what is to be differentiated is not solved: its residual is {length:G3}, at most {allowed:G3}; solve further before taking a derivative"));
    }

    // A singular matrix with a ridge has no small residual; it has said so.
    private static Fault.Run? Failed(LinearSolution solved, RootForm form) => solved.Ridge > 0 || solved.Residual <= Math.Max(1e-6, 10 * form.End.Tolerance)
        ? null
        : new Fault.Run(FaultCodes.LinearNotSolved, FormattableString.Invariant($"the linear system of a derivative is not solved: a residual of {solved.Residual:G3} after {solved.Iterations} iterations; the matrix is singular, or not what the solver is for, or it needs more iterations"));
}
