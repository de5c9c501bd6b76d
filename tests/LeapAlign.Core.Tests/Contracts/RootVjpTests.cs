using LeapAlign.Contracts.Solvers;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

/// <summary>Derivatives of roots against known values and central differences.</summary>
public sealed class RootVjpTests
{
    private const double Step = 1e-5;

    private static readonly RootFunction s_ridge = static (w, given) => Rows.t().matmul(Rows.matmul(w) - given[1]) + (w * given[0]);

    private static Tensor Rows => tensor([1.0, 2, 0, 1, 3, -1]).reshape(3, 2);

    [Fact]
    public void A_ridge_regression_by_lambda_and_by_its_targets()
    {
        using var scope = NewDisposeScope();
        Tensor[] given = [tensor(0.5), tensor([1.0, 2, 0])];
        var w = Ridge(given);
        Equal([0.156133829, 0.639405204], w);
        foreach (var solver in new ILinearSolver?[] { null, new ConjugateDirections(), new Gmres(), new DenseSolver() })
        {
            var found = RootVjp.Of(s_ridge, w, given, tensor([1.0, -1]), new RootForm { Solver = solver }).Value();
            Equal([0.077555589], found.Values[0]);
            Equal([-0.200743494, -0.141263941, 0.386617100], found.Values[1]);
        }
        Differences(Ridge, s_ridge, given, tensor([1.0, -1]));
    }

    [Fact]
    public void A_fixed_point_by_the_weights_of_its_iteration()
    {
        using var scope = NewDisposeScope();
        Tensor[] given = [tensor([0.5, -0.3, 0.2, 0.4]).reshape(2, 2), tensor([0.1, -0.2])];
        RootFunction map = static (s, p) => (p[0].matmul(s) + p[1]).tanh();
        var s = Iterated(map, given, zeros(2, dtype: float64), 200);
        Equal([0.312193492, -0.222923976], s);
        var found = RootVjp.Of(RootFunctions.FixedPoint(map), s, given, tensor([1.0, 2])).Value();
        Equal([0.719509042, -0.513770532, 0.626304041, -0.447216840], found.Values[0].flatten());
        Equal([2.304689428, 2.006140602], found.Values[1]);
        Differences(p => Iterated(map, p, zeros(2, dtype: float64), 200), RootFunctions.FixedPoint(map), given, tensor([1.0, 2]));
    }

    [Fact]
    public void An_implicit_midpoint_step_by_where_it_begins_and_by_its_velocity()
    {
        using var scope = NewDisposeScope();
        RootFunction step = static (s, p) =>
        {
            var middle = (p[0] + s) / 2;
            return p[0] - (((middle * p[1]).sin() - middle) * 0.2);
        };
        Tensor[] given = [tensor([0.7, -0.4]), tensor(1.5)];
        var s = Iterated(step, given, given[0], 200);
        Equal([0.665702532, -0.367868647], s);
        var found = RootVjp.Of(RootFunctions.FixedPoint(step), s, given, ones(2, dtype: float64)).Value();
        Equal([1.045078606, 0.949687808], found.Values[0]);
        Equal([-0.009796456], found.Values[1]);
        Differences(p => Iterated(step, p, p[0], 200), RootFunctions.FixedPoint(step), given, ones(2, dtype: float64));
    }

    [Fact]
    public void A_projection_on_the_simplex()
    {
        using var scope = NewDisposeScope();
        var point = tensor([0.9, 0.4, -0.5]).requires_grad_();
        var projected = RootFunctions.Simplex(point);
        Equal([0.75, 0.25, 0], projected.detach());
        Equal([-0.5, 0.5, 0], autograd.grad([(projected * tensor([1.0, 2, 3])).sum()], [point])[0]);
        // min ½ |x − φ|² on the simplex, whatever the step of the projected gradient method.
        foreach (var step in new[] { 0.3, 1.0 })
        {
            var function = RootFunctions.ProximalGradient(static (x, p) => (x - p[0]).square().sum() / 2, static (x, _) => RootFunctions.Simplex(x), step);
            Equal([-0.5, 0.5, 0], RootVjp.Of(function, projected.detach(), [point.detach()], tensor([1.0, 2, 3])).Value().Values[0]);
        }
        Equal([1, 0, 0], RootFunctions.Simplex(tensor([3.0, 0, 1])));
    }

    // min ½ Σ (x − φ)² with Σ x = θ, x₀ ≤ 0.2, which binds, and x₂ ≤ 9, which does not: x = (0.2, the rest equally moved).
    [Fact]
    public void A_program_with_constraints_by_its_conditions()
    {
        using var scope = NewDisposeScope();
        Tensor Solve(Tensor[] p)
        {
            var rest = (p[1] - 0.2 - p[0][1] - p[0][2]) / 2;
            var (first, multiplier) = (tensor(0.2), -rest);
            return stack([first, p[0][1] + rest, p[0][2] + rest, multiplier, -(first - p[0][0] + multiplier), tensor(0.0)]);
        }
        Tensor[] given = [tensor([0.9, 0.1, 0.3]), tensor(1.0)];
        var function = RootFunctions.KarushKuhnTucker(static (x, p) => (x - p[0]).square().sum() / 2, 3, static (x, p) => (x.sum() - p[1]).unsqueeze(0), static (x, _) => cat([x.narrow(0, 0, 1) - 0.2, x.narrow(0, 2, 1) - 9]));
        Assert.True(Solve(given)[4].item<double>() > 0);
        Assert.True(function(Solve(given), given).abs().max().item<double>() < 1e-12);
        Differences(Solve, function, given, tensor([1.0, 2, -1, 0.5, 0.3, 0.7]));
    }

    [Fact]
    public void A_minimum_by_its_gradient()
    {
        using var scope = NewDisposeScope();
        Tensor[] given = [tensor(0.5), tensor([1.0, 2, 0])];
        var function = RootFunctions.Stationary(static (w, p) => ((Rows.matmul(w) - p[1]).square().sum() / 2) + (w.square().sum() * p[0] / 2));
        Equal([0.077555589], RootVjp.Of(function, Ridge(given), given, tensor([1.0, -1])).Value().Values[0]);
    }

    [Fact]
    public void What_is_not_solved_is_not_differentiated()
    {
        using var scope = NewDisposeScope();
        Tensor[] given = [tensor(0.5), tensor([1.0, 2, 0])];
        Assert.False(RootVjp.Of(s_ridge, Ridge(given) + 1e-3, given, tensor([1.0, -1])).TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.RootNotSolved, fault!.Code);
        Assert.True(RootVjp.Of(s_ridge, Ridge(given) + 1e-3, given, tensor([1.0, -1]), new RootForm { Solved = 1 }).TryGet(out _, out _));
        // Conjugate gradients of a matrix that is not positive definite.
        Assert.False(RootVjp.Of(static (x, p) => p[0] - x, given[1], [given[1]], ones(3, dtype: float64), new RootForm { Solver = new ConjugateDirections() }).TryGet(out _, out fault));
        Assert.Equal(FaultCodes.LinearNotSolved, fault!.Code);
        Assert.Throws<ArgumentException>(() => RootVjp.Of(static (x, _) => x.sum().unsqueeze(0), given[1], [], ones(3, dtype: float64)));
    }

    [Fact]
    public void A_singular_root_is_differentiated_with_a_ridge_that_is_told()
    {
        using var scope = NewDisposeScope();
        // x₀ + x₁ = φ, twice.
        var found = RootVjp.Of(static (x, p) => (x.sum() - p[0]).expand(2), tensor([0.5, 0.5]), [tensor(1.0)], tensor([1.0, 1])).Value();
        Assert.True(found.Solution.Ridge > 0);
        Assert.Equal(1, found.Values[0].item<double>(), 1e-6);
    }

    [Fact]
    public void A_parameter_that_counts_for_nothing_has_a_gradient_of_zero()
    {
        using var scope = NewDisposeScope();
        Tensor[] given = [tensor(0.5), tensor([1.0, 2, 0]), tensor([7.0, 8])];
        Equal([0, 0], RootVjp.Of(s_ridge, Ridge(given), given, tensor([1.0, -1])).Value().Values[2]);
    }

    // One evaluation of F, whatever found the root.
    [Theory]
    [InlineData(100)]
    [InlineData(1000)]
    public void The_work_does_not_depend_on_the_iterations_that_found_it(int iterations)
    {
        using var scope = NewDisposeScope();
        Tensor[] given = [tensor([0.5, -0.3, 0.2, 0.4]).reshape(2, 2), tensor([0.1, -0.2])];
        RootFunction map = static (s, p) => (p[0].matmul(s) + p[1]).tanh();
        var s = Iterated(map, given, zeros(2, dtype: float64), iterations);
        var evaluations = 0;
        var (before, inside) = (DisposeScopeManager.Statistics.ThreadTotalLiveCount, 0L);
        _ = RootVjp.Of(
            (x, p) =>
            {
                evaluations++;
                inside = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;
                return map(x, p) - x;
            },
            s,
            given,
            tensor([1.0, 2])).Value();
        Assert.Equal(1, evaluations);
        Assert.InRange(inside, 1, 10);
    }

    private static Tensor Ridge(Tensor[] given) => linalg.solve(Rows.t().matmul(Rows) + (eye(2, dtype: float64) * given[0]), Rows.t().matmul(given[1]));

    private static Tensor Iterated(RootFunction map, Tensor[] given, Tensor start, int count)
    {
        using var _ = no_grad();
        var x = start;
        for (var i = 0; i < count; i++) x = map(x, given);
        return x;
    }

    // Of both forms, by all numbers of all parameters.
    private static void Differences(Func<Tensor[], Tensor> solve, RootFunction function, Tensor[] given, Tensor cotangent)
    {
        var root = solve(given);
        var found = RootVjp.Of(function, root, given, cotangent).Value();
        for (var parameter = 0; parameter < given.Length; parameter++)
        {
            for (var number = 0; number < given[parameter].numel(); number++)
            {
                var unit = zeros_like(given[parameter]);
                unit.view(-1)[number] = 1;
                Tensor At(double length) => solve([.. given.Select((value, i) => i == parameter ? value + (unit * length) : value)]);
                var along = (At(Step) - At(-Step)) / (2 * Step);
                Assert.Equal((along * cotangent).sum().item<double>(), found.Values[parameter].flatten()[number].item<double>(), 1e-6);
                Tensor[] tangents = [.. given.Select((value, i) => i == parameter ? unit : zeros_like(value))];
                var forward = RootVjp.Along(function, root, given, tangents).Value();
                Assert.True((forward.Value - along).abs().max().item<double>() < 1e-6);
            }
        }
    }

    private static void Equal(double[] expected, Tensor actual) => Assert.All(expected.Zip(actual.flatten().data<double>().ToArray()), static pair => Assert.Equal(pair.First, pair.Second, 1e-9));
}
