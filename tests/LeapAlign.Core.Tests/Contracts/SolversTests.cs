using LeapAlign.Contracts.Solvers;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

/// <summary>Linear solvers on systems whose solutions are known.</summary>
public sealed class SolversTests
{
    private static Tensor Tridiagonal => (eye(5, dtype: float64) * 2) - diag(ones(4, dtype: float64), 1) - diag(ones(4, dtype: float64), -1);

    private static Tensor Right => tensor([1.0, 0, 0, 2, -1]);

    [Fact]
    public void Without_a_proposal_it_is_conjugate_gradients()
    {
        using var scope = NewDisposeScope();
        double[] expected = [0.414578099, 0.625388768, 0];
        for (var steps = 1; steps <= 3; steps++) Assert.Equal(expected[steps - 1], Solved(new ConjugateDirections(), steps).Residual, 1e-9);
        double[] second = [1.2, 0.733333333, 1.466666667, 1.666666667, 0.266666667];
        Assert.All(second.Zip(Solved(new ConjugateDirections(), 2).Value.data<double>().ToArray()), static pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Fact]
    public void Proposed_directions_are_made_conjugate_to_the_last_two()
    {
        using var scope = NewDisposeScope();
        var (lower, upper) = (linalg.inv(Tridiagonal.tril()), linalg.inv(Tridiagonal.triu()));
        double[] expected = [0.434688539, 0.237192616, 0.021955252, 0.004925876];
        for (var steps = 1; steps <= 4; steps++) Assert.Equal(expected[steps - 1], Solved(new ConjugateDirections(r => lower.matmul(r) + upper.matmul(r)), steps).Residual, 1e-9);
        var inverse = linalg.inv(Tridiagonal);
        var exact = Solved(new ConjugateDirections(inverse.matmul), 5);
        Assert.Equal(1, exact.Iterations);
        Assert.True(exact.Residual < 1e-12);
    }

    // Of a function that is not linear, so that no recurrence does it: what is added in a step is conjugate to what the two before added.
    [Fact]
    public void Steps_are_conjugate_to_the_last_two_whatever_proposes()
    {
        using var scope = NewDisposeScope();
        Tensor[] reached = [.. Enumerable.Range(0, 5).Select(static steps => Solved(new ConjugateDirections(static r => r + (r.pow(3) * 4) + (r.roll(1, 0) * 0.7)), steps).Value)];
        Tensor[] added = [.. reached.Zip(reached.Skip(1), static (from, to) => to - from)];
        double Together(int first, int second) => (added[first].dot(Tridiagonal.matmul(added[second])) / added[first].norm() / added[second].norm()).item<double>();
        for (var step = 1; step < added.Length; step++)
        {
            Assert.Equal(0, Together(step, step - 1), 1e-10);
            if (step > 1) Assert.Equal(0, Together(step, step - 2), 1e-10);
        }
        Assert.True(Math.Abs(Together(3, 0)) > 1e-3, "it reaches further back than it keeps");
    }

    // A proposal of no curvature falls back to the residual.
    [Fact]
    public void A_useless_proposal_is_replaced()
    {
        using var scope = NewDisposeScope();
        var found = Solved(new ConjugateDirections(static r => r * 0), 400);
        Assert.True(found.Residual < 1e-10, $"{found.Residual}");
        // Not positive definite: it gives up and says how far it is.
        Assert.True(new ConjugateDirections().Solve(static x => x * -1, Right, new LinearEnd()).Residual > 0.5);
    }

    [Fact]
    public void Any_matrix_is_solved_by_gmres_and_dense()
    {
        using var scope = NewDisposeScope();
        var matrix = tensor([1.0, 4, 0, -2, 0, 3, 0.5, 1, -6]).reshape(3, 3);
        var wanted = tensor([1.0, -2, 3]);
        foreach (var solver in new ILinearSolver[] { new Gmres(), new DenseSolver() })
        {
            var found = solver.Solve(matrix.matmul, matrix.matmul(wanted), new LinearEnd(1e-13));
            Assert.True((found.Value - wanted).abs().max().item<double>() < 1e-11);
            Assert.True(found is { Residual: < 1e-12, Iterations: 3, Ridge: 0 });
        }
        Assert.Equal(0, new Gmres().Solve(matrix.matmul, zeros(3, dtype: float64), new LinearEnd()).Iterations);
        // The residual of every length is the least in its space: it never rises.
        double[] residuals = [.. Enumerable.Range(1, 5).Select(steps => new Gmres().Solve(Tridiagonal.matmul, Right, new LinearEnd(0, steps)).Residual)];
        Assert.Equal(residuals.OrderDescending(), residuals);
        Assert.True(residuals[^1] < 1e-12);
    }

    [Fact]
    public void A_singular_matrix_gets_a_ridge_and_says_so()
    {
        using var scope = NewDisposeScope();
        var matrix = tensor([1.0, 1, 1, 1]).reshape(2, 2);
        var found = new DenseSolver().Solve(matrix.matmul, tensor([2.0, 2.0]), new LinearEnd());
        Assert.True(found.Ridge > 0);
        // The shortest of all solutions.
        Assert.True((found.Value - 1).abs().max().item<double>() < 1e-6);
        Assert.Throws<ArgumentException>(static () => new DenseSolver().Solve(static x => x, zeros(501, dtype: float64), new LinearEnd()));
    }

    private static LinearSolution Solved(ConjugateDirections solver, int steps) => solver.Solve(Tridiagonal.matmul, Right, new LinearEnd(1e-12, steps));
}
