using LeapAlign.Optimization.Bilevel;
using LeapAlign.Optimizers.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.Tests;

public sealed class ValueFunctionDescentTests
{
    private static readonly BilevelForm s_form = new()
    {
        UpperRate = 0.05,
        Rate = 0.05,
        CentreRate = 0.05,
        LowerRate = 0.1,
        MultiplierRate = 0.1,
        Proximity = 2,
        MultiplierProximity = 2,
        Equalities = true,
    };

    [Fact]
    public void Iterates_of_the_coupled_problem_are_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        var problem = new Coupled(1);
        using var descent = new ValueFunctionDescent(s_form, zeros(1, dtype: float64), [zeros(1, dtype: float64), zeros(1, dtype: float64)], 1);
        var own = problem.Begin(descent);
        for (var step = 0; step < 3; step++) descent.Step(problem);
        Near([0.004750865, 0.123244119, -0.127994984], [.. descent.Upper.Values(), .. own.SelectMany(static tensor => tensor.Values())]);
        Near([0.007614590, -0.291052160], [.. descent.Solver.SelectMany(static tensor => tensor.Values())]);
        Near([-0.028950243, -0.000969537], [descent.Multipliers[0], descent.Centres[0]]);
        Assert.Equal(3, descent.Steps);
    }

    [Fact]
    public void The_error_of_the_coupled_problem_falls_as_the_penalty_grows()
    {
        using var scope = NewDisposeScope();
        var errors = new[] { 200, 2000 }.Select(steps =>
        {
            var problem = new Coupled(20);
            using var descent = new ValueFunctionDescent(s_form, full(20, 10.0, dtype: float64), [full(20, 10.0, dtype: float64), full(20, 10.0, dtype: float64)], 1);
            problem.Begin(descent);
            for (var step = 0; step < steps; step++) descent.Step(problem);
            return descent.Upper.Values().Average(static x => Math.Abs(x + 0.3)) / 0.3;
        }).ToList();
        // The reference has .0992 and .0503 with 100 numbers, and the numbers do not interact but by their mean.
        Assert.InRange(errors[1], 0, 0.06);
        Assert.InRange(errors[0] / errors[1], 1.6, 2.4);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Multipliers_of_inequalities_are_not_negative_and_none_is_beyond_its_bound(bool equalities)
    {
        using var scope = NewDisposeScope();
        foreach (var value in new[] { -100.0, 100 })
        {
            var problem = new Fixed(value);
            using var descent = new ValueFunctionDescent(s_form with { Equalities = equalities, Bound = 3, MultiplierRate = 1 }, zeros(1, dtype: float64), [zeros(1, dtype: float64)], 1);
            descent.Step(problem);
            Assert.Equal(value > 0 ? 3 : equalities ? -3 : 0, descent.Multipliers[0]);
        }
    }

    [Fact]
    public void What_has_no_gradient_stays_and_each_place_has_its_metric()
    {
        using var scope = NewDisposeScope();
        var problem = new Fixed(0);
        List<(LowerPlace, int, double)> asked = [];
        using var descent = new ValueFunctionDescent(s_form, zeros(1, dtype: float64), [ones(1, dtype: float64), ones(1, dtype: float64)], 1)
        {
            Metric = (who, place, gradient) =>
            {
                asked.Add((who, place, gradient.item<double>()));
                return gradient * 10;
            },
        };
        var own = descent.Lower;
        descent.Step(problem);
        // θ has f alone (λ is 0), y has f and F / c with c = 1.
        Assert.Equal([(LowerPlace.Solver, 0, 2.0), (LowerPlace.Own, 0, 5.0)], asked);
        Assert.Equal([1.0], own[1].Values());
        Near([-1, 1], [descent.Solver[0].item<double>(), descent.Solver[1].item<double>()]);
        // Along y − θ, too, θ being where it is by now.
        Near([1 - (0.05 * (50 - ((1 + 1) / 2.0)))], own[0].Values());
    }

    private static void Near(double[] expected, double[] actual) => Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));

    // F = (|x − y2|² + |y1 − 1|²) / 2, f = |y1|² / 2 − x·y1 + 1·y2, g = (1·x + 1·y) / √n = 0.
    private sealed class Coupled(int count) : IBilevelProblem
    {
        private readonly double _slope = 1 / Math.Sqrt(count);
        private Tensor[] _own = [];

        public Tensor[] Begin(ValueFunctionDescent descent)
        {
            _own = [.. descent.Lower];
            var mean = cat([descent.Upper, .. _own]).mean();
            foreach (var tensor in _own.Concat(descent.Solver).Append(descent.Upper)) tensor.sub_(mean);
            return _own;
        }

        public LowerAt Lower(Tensor upper, IReadOnlyList<Tensor> lower, LowerPlace who)
        {
            var slope = full_like(upper, _slope);
            var value = _slope * (upper.sum() + lower[0].sum() + lower[1].sum()).item<double>();
            return new LowerAt(lower[0].neg(), [lower[0] - upper, ones_like(upper)], [new ConstraintAt(value, slope, [slope, slope])]);
        }

        public UpperAt Upper(Tensor upper, IReadOnlyList<Tensor> lower) => new(upper - lower[1], [lower[0] - 1, lower[1] - upper]);

        public void Project(Tensor upper, IReadOnlyList<Tensor> lower, LowerAt before, IReadOnlyList<Tensor> moved)
        {
            var mean = cat([upper, .. lower]).mean();
            foreach (var tensor in lower.Append(upper)) tensor.sub_(mean);
        }
    }

    // One number with ∇f = 2, ∇F = 3 and a constraint of a value.
    private sealed class Fixed(double value) : IBilevelProblem
    {
        public LowerAt Lower(Tensor upper, IReadOnlyList<Tensor> lower, LowerPlace who) => new(null, [full(1, 2.0, dtype: float64), .. new Tensor?[lower.Count - 1]], [new ConstraintAt(value, null, new Tensor?[lower.Count])]);

        public UpperAt Upper(Tensor upper, IReadOnlyList<Tensor> lower) => new(null, [full(1, 3.0, dtype: float64), .. new Tensor?[lower.Count - 1]]);

        public void Project(Tensor upper, IReadOnlyList<Tensor> lower, LowerAt before, IReadOnlyList<Tensor> moved)
        {
        }
    }
}
