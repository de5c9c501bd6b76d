using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Optimizers.Tests;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram.Tests;

public sealed class GnsTests
{
    private static readonly GnsSettings s_rows = new() { Curvature = GnsCurvature.Rows };

    // Rosenbrock as a least-squares problem, H = Jᵀ J by way of rows J_i √m with shares 1/m.
    [Fact]
    public void Steps_with_a_curvature_are_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        var problem = new Problem(Given.Weight(-1.2, 1), static x => stack([1 - x[0], 10 * (x[1] - x[0].square())]));
        using var optimization = problem.Begin(s_rows);
        (double[] Point, double Radius)[] expected =
            [([-1.061902942, 1.050161777], 2), ([-0.993620150, 0.988778813], 4), ([-0.933764579, 0.876013250], 0.5), ([-0.849102076, 0.721462300], 0.5)];
        foreach (var (point, radius) in expected)
        {
            problem.Update(optimization);
            Near(point, problem.Weight);
            Assert.Equal(radius, ((IStateful)optimization).Save().Numbers["radius"]);
        }
    }

    [Fact]
    public void It_ends_at_the_minimum_after_the_recorded_steps_and_evaluations()
    {
        using var scope = NewDisposeScope();
        var problem = new Problem(Given.Weight(-1.2, 1), static x => stack([1 - x[0], 10 * (x[1] - x[0].square())]));
        using var optimization = problem.Begin(s_rows);
        var steps = 0;
        for (; problem.Gradient().norm().item<double>() >= 1e-10; steps++) problem.Update(optimization);
        Assert.Equal(44, steps);
        // The gradient of an update is that of the try before it, and counts once.
        Assert.Equal(89, problem.Replays + 1);
        Near([1, 1], problem.Weight);
    }

    [Theory]
    [InlineData(GnsCurvature.Rows, new[] { 0.501243786, 0.909501243 }, new[] { 0.101755366, 0.653097273 }, new[] { 0.002985593, 0.151593530 })]
    [InlineData(GnsCurvature.None, new[] { 0.004962800, 0.900496280 }, new[] { -0.050065525, -0.097988524 }, null)]
    public void Steps_on_a_quadratic_are_the_recorded_ones(GnsCurvature curvature, params double[]?[] expected)
    {
        using var scope = NewDisposeScope();
        var problem = new Problem(Given.Weight(1, 1), static x => x * tensor([Math.Sqrt(10), 1]));
        using var optimization = problem.Begin(new GnsSettings { Curvature = curvature });
        foreach (var point in expected.OfType<double[]>())
        {
            problem.Update(optimization);
            Near(point, problem.Weight);
        }
    }

    [Fact]
    public void Without_a_curvature_a_step_has_the_length_of_the_radius()
    {
        using var scope = NewDisposeScope();
        var problem = new Problem(Given.Weight(30, -40), static x => x);
        using var optimization = problem.Begin(new GnsSettings { Radius = 2 });
        Assert.Equal(2, problem.Update(optimization)["radius"]);
        Assert.Equal(48, problem.Weight.norm().item<double>(), 1e-6);
        Assert.Equal(4, problem.Update(optimization)["radius"]);
        Assert.Equal(44, problem.Weight.norm().item<double>(), 1e-6);
    }

    [Fact]
    public void Where_no_radius_lowers_the_loss_the_weights_stay_and_it_is_said()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 2);
        List<Fault> warned = [];
        using var optimization = new GnsOptimizer(new GnsSettings { Tries = 5 }, warned.Add).Begin(Given.Set(weight));
        Dictionary<string, double> measured = [];
        var replays = 0;
        weight.grad = ones(2, dtype: float64);
        optimization.Update(new UpdateContext(0)
        {
            Loss = 1,
            Measured = measured.Add,
            // A reward that answers otherwise each time.
            Again = (_, draw) =>
            {
                Assert.Equal(0, draw);
                return new StepGradient(2 + replays++, [ones(2, dtype: float64)]);
            },
        });
        Assert.Equal(5, replays);
        Assert.Equal([1, 2], weight.Values());
        Assert.Equal((5, 0), (measured["tries"], measured["taken"]));
        Assert.Equal(FaultCodes.NoDescent, Assert.Single(warned).Code);
        Assert.Contains("none of 5 radii", warned[0].Message, StringComparison.Ordinal);
        // The last radius stays.
        Assert.Equal(1.0 / 32, ((IStateful)optimization).Save().Numbers["radius"]);
    }

    [Theory]
    [InlineData(1e-6, 1)]
    [InlineData(0, 4)]
    public void Losses_that_differ_by_a_rounding_are_not_compared_again(double flat, int tries)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 2);
        List<Fault> warned = [];
        using var optimization = new GnsOptimizer(new GnsSettings { Tries = 4, Flat = flat }, warned.Add).Begin(Given.Set(weight));
        var replays = 0;
        weight.grad = ones(2, dtype: float64);
        optimization.Update(new UpdateContext(0)
        {
            Loss = 100,
            Again = (_, _) =>
            {
                replays++;
                return new StepGradient(100 - 1e-5, [ones(2, dtype: float64) * 100]);
            },
        });
        Assert.Equal(tries, replays);
        Assert.Equal([1, 2], weight.Values());
        Assert.Contains(flat > 0 ? "rounding" : "none of 4 radii", Assert.Single(warned).Message, StringComparison.Ordinal);
        Assert.Equal(flat > 0 ? 1 : 1.0 / 16, ((IStateful)optimization).Save().Numbers["radius"]);
    }

    [Fact]
    public void A_loss_that_is_no_number_is_no_step()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 2);
        using var optimization = new GnsOptimizer(new GnsSettings()).Begin(Given.Set(weight));
        var replays = 0;
        weight.grad = ones(2, dtype: float64);
        optimization.Update(new UpdateContext(0) { Loss = 1, Again = (_, _) => replays++ < 2 ? new StepGradient(double.NaN, [ones(2, dtype: float64)]) : new StepGradient(0, [zeros(2, dtype: float64)]) });
        Assert.Equal(3, replays);
        Assert.Equal(0.25, Math.Sqrt(weight.Values().Zip([1.0, 2]).Sum(static pair => Math.Pow(pair.First - pair.Second, 2))), 1e-6);
    }

    [Fact]
    public void Without_a_gradient_nothing_is_tried()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 2);
        using var optimization = new GnsOptimizer(new GnsSettings(), static _ => Assert.Fail("it warned")).Begin(Given.Set(weight));
        weight.grad = zeros(2, dtype: float64);
        Assert.Equal(0, optimization.Update(new UpdateContext(0) { Loss = 1 }));
        Assert.Equal([1, 2], weight.Values());
    }

    [Fact]
    public void A_step_with_rows_solves_the_damped_system()
    {
        using var scope = NewDisposeScope();
        var rows = RandomKey.OfRun(5).For("rows").Normal([4, 9], CPU).to(float64);
        var gradient = RandomKey.OfRun(5).For("g").Normal([9], CPU).to(float64);
        var set = Given.Set(zeros(9, dtype: float64).requires_grad_());
        using var matrix = new GradientMatrix(set, RowPrecision.Float32);
        matrix.Reserve(4);
        for (var row = 0; row < 4; row++) matrix.Add(row, [rows[row]]);
        var step = new RegularizedStep(set, [gradient], matrix, 4);
        foreach (var lambda in new[] { 1e-3, 0.1, 10 })
        {
            var expected = linalg.solve(rows.t().matmul(rows) + (eye(9, dtype: float64) * lambda), gradient.neg());
            Assert.InRange((step.Of(lambda)[0] - expected).abs().max().item<double>() / expected.abs().max().item<double>(), 0, 1e-9);
        }
    }

    [Fact]
    public void A_saved_state_goes_on_to_the_same_bits()
    {
        using var scope = NewDisposeScope();
        static Problem Start(params double[] at) => new(Given.Weight(at), static x => stack([1 - x[0], 10 * (x[1] - x[0].square())]));
        var (whole, interrupted) = (Start(-1.2, 1), Start(-1.2, 1));
        using var first = whole.Begin(s_rows);
        using var second = interrupted.Begin(s_rows);
        for (var step = 0; step < 9; step++) whole.Update(first);
        for (var step = 0; step < 4; step++) interrupted.Update(second);
        var resumed = Start(interrupted.Weight.Values());
        using var third = resumed.Begin(s_rows);
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        for (var step = 4; step < 9; step++) resumed.Update(third);
        Assert.Equal(whole.Weight.bytes.ToArray(), resumed.Weight.bytes.ToArray());
    }

    [Theory]
    [InlineData("{}", false)]
    [InlineData("""{ "curvature": "rows" }""", true)]
    public void It_needs_replays_and_rows_only_for_a_curvature(string settings, bool rows)
    {
        using var scope = NewDisposeScope();
        var part = new GramPlugin().Parts.Single(static part => part.Id == "gns");
        var read = part.ReadSettings(settings);
        Assert.Equal(rows ? [Capabilities.Replay, Capabilities.Rows] : [Capabilities.Replay], part.Requires(read));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(read));
        using var optimization = new GnsOptimizer((GnsSettings)read).Begin(Given.Set(Given.Weight(1)));
        Assert.Equal(rows, optimization is IRowOptimization);
    }

    private static void Near(double[] expected, Tensor weight) => Assert.All(expected.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));

    /// <summary>½ ‖u(x)‖².</summary>
    private sealed class Problem(Tensor weight, Func<Tensor, Tensor> residuals)
    {
        public Tensor Weight => weight;

        public int Replays { get; private set; }

        public IOptimization Begin(GnsSettings settings) => new GnsOptimizer(settings).Begin(Given.Set(weight));

        public Tensor Gradient() => At(weight.detach()).Gradients[0]!;

        public Dictionary<string, double> Update(IOptimization optimization)
        {
            Dictionary<string, double> measured = [];
            var here = At(weight.detach());
            weight.grad = here.Gradients[0];
            if (optimization is IRowOptimization rows)
            {
                var point = weight.detach().clone().requires_grad_();
                var values = residuals(point);
                var count = values.shape[0];
                for (var row = 0; row < count; row++) rows.Take(new GradientRow(row, 0, 1.0 / count, [Given.Derivative(values[row], point) * Math.Sqrt(count)]));
            }
            optimization.Update(new UpdateContext(0)
            {
                Loss = here.Loss,
                Measured = measured.Add,
                Again = (values, _) =>
                {
                    Replays++;
                    return At(values![0]);
                },
            });
            return measured;
        }

        private StepGradient At(Tensor at)
        {
            using var _ = enable_grad();
            var point = at.detach().clone().requires_grad_();
            var loss = residuals(point).square().sum() / 2;
            return new StepGradient(loss.item<double>(), [Given.Derivative(loss, point)]);
        }
    }
}
