using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimizers.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram.Tests;

public sealed class MfacTests
{
    private static readonly MfacSettings s_published = new() { DampingMode = DampingMode.Absolute };

    [Fact]
    public void The_inverse_is_the_recorded_one_and_that_of_the_recursion()
    {
        using var scope = NewDisposeScope();
        double[][] rows = [[1, 2, 0], [0, 1, -1], [1, 0, 1]];
        using var window = Window(Given.Weight(0, 0, 0), 3, rows);
        var found = window.Inverse([ones(3, dtype: float64)], 0.1)[0].Values();
        Assert.All(new[] { -0.708857261, 1.239463866, 2.151443968 }.Zip(found), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
        Assert.All(Recursion([.. rows.Select(static row => tensor(row))], ones(3, dtype: float64), 0.1).Values().Zip(found), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Fact]
    public void A_large_window_with_small_damping_agrees_with_the_recursion()
    {
        using var scope = NewDisposeScope();
        var rows = RandomKey.OfRun(3).For("g").Normal([32, 1000], CPU).to(float64);
        var vector = RandomKey.OfRun(3).For("x").Normal([1000], CPU).to(float64);
        using var window = Window(zeros(1000, dtype: float64).requires_grad_(), 32, [.. Enumerable.Range(0, 32).Select(row => rows[row].Values())]);
        var (found, expected) = (window.Inverse([vector], 1e-5)[0], Recursion([.. Enumerable.Range(0, 32).Select(row => rows[row])], vector, 1e-5));
        Assert.InRange(((found - expected).abs().max() / expected.abs().max()).item<double>(), 0, 1e-10);
    }

    [Fact]
    public void Places_that_are_empty_yet_are_rows_of_zeros()
    {
        using var scope = NewDisposeScope();
        using var window = Window(Given.Weight(0, 0, 0), 5, [[1, 2, 0], [0, 1, -1]]);
        Tensor[] rows = [tensor([1.0, 2, 0]), tensor([0.0, 1, -1]), zeros(3, dtype: float64), zeros(3, dtype: float64), zeros(3, dtype: float64)];
        Assert.All(Recursion(rows, ones(3, dtype: float64), 0.2).Values().Zip(window.Inverse([ones(3, dtype: float64)], 0.2)[0].Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Fact]
    public void The_oldest_gradient_gives_way()
    {
        using var scope = NewDisposeScope();
        double[][] rows = [[9, 9, 9], [-4, 2, 7], [1, 2, 0], [0, 1, -1], [1, 0, 1]];
        using var window = Window(Given.Weight(0, 0, 0), 3, rows);
        Assert.All(new[] { -0.708857261, 1.239463866, 2.151443968 }.Zip(window.Inverse([ones(3, dtype: float64)], 0.1)[0].Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
        Assert.Equal((5 + 2 + 2) / 3.0, window.MeanSquare, 1e-12);
    }

    [Fact]
    public void Steps_on_a_quadratic_are_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 1);
        using var optimization = Begin(s_published with { Rate = 0.05, Window = 2, Damping = 0.1 }, weight);
        double[][] expected = [[0.990118577, 0.999011858], [0.985396715, 0.996292717], [0.980454244, 0.995279803]];
        for (var step = 0; step < expected.Length; step++)
        {
            weight.grad = tensor([10.0, 1]) * weight.detach();
            optimization.Update(new UpdateContext(step));
            Assert.All(expected[step].Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
        }
    }

    [Fact]
    public void A_window_of_one_divides_by_the_damping_and_the_squared_length()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0);
        using var optimization = Begin(s_published with { Rate = 1, Window = 1, Damping = 0.5 }, weight);
        weight.grad = tensor([3.0, 4]);
        optimization.Update(new UpdateContext(0));
        Assert.All(new[] { -3 / 25.5, -4 / 25.5 }.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    // With an absolute damping a short gradient is divided by it alone, 10⁵ times a step of gradient descent.
    [Fact]
    public void A_relative_damping_does_not_depend_on_the_unit_of_the_gradient()
    {
        using var scope = NewDisposeScope();
        double Length(MfacSettings settings, double unit)
        {
            var weight = Given.Weight(0, 0);
            using var optimization = Begin(settings with { Rate = 1, Window = 4 }, weight);
            Dictionary<string, double> measured = [];
            for (var step = 0; step < 4; step++)
            {
                measured.Clear();
                weight.grad = tensor([3.0 + step, 4.0 - step]) * unit;
                optimization.Update(new UpdateContext(step) { Measured = measured.Add });
            }
            return measured["length"] * unit;
        }
        var relative = new MfacSettings();
        Assert.Equal(Length(relative, 1), Length(relative, 1e-6), 1e-9);
        Assert.InRange(Length(s_published with { Damping = 1e-5 }, 1e-6) / 1e-12, 3e5, 7e5);
    }

    [Fact]
    public void Momentum_averages_steps_and_decay_is_seen_by_the_curvature()
    {
        using var scope = NewDisposeScope();
        var (weight, norm) = (Given.Weight(1, 2), Given.Weight(3));
        ParameterSet set = new([new("w", ParameterRole.Matrix, weight), new("n", ParameterRole.Norm, norm)]);
        using var optimization = new MfacOptimizer(s_published with { Rate = 1, Window = 1, Damping = 0.5, Momentum = 0.75, WeightDecay = 0.1 }).Begin(set);
        (weight.grad, norm.grad) = (tensor([3.0, 4]), tensor([1.0]));
        optimization.Update(new UpdateContext(0));
        // (3, 4) + 0.1 (1, 2), and 1.
        var square = (3.1 * 3.1) + (4.2 * 4.2) + 1 + 0.5;
        Assert.All(new[] { 1 - (0.25 * 3.1 / square), 2 - (0.25 * 4.2 / square) }.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal(3 - (0.25 / square), norm.Values()[0], 1e-12);
    }

    [Fact]
    public void Zeros_and_absent_gradients_move_nothing()
    {
        using var scope = NewDisposeScope();
        var (moving, still) = (Given.Weight(1, 2), Given.Weight(3, 4));
        using var optimization = new MfacOptimizer(new MfacSettings { Window = 3, Rate = 1 }).Begin(Given.Set(moving, still));
        moving.grad = zeros(2, dtype: float64);
        optimization.Update(new UpdateContext(0));
        Assert.Equal([1, 2], moving.Values());
        (moving.grad, still.grad) = (ones(2, dtype: float64), ones(2, dtype: float64));
        optimization.Update(new UpdateContext(1));
        var before = still.Values();
        (moving.grad, still.grad) = (ones(2, dtype: float64), null);
        optimization.Update(new UpdateContext(2));
        Assert.Equal(before, still.Values());
        Assert.NotEqual(before[0], moving.Values()[0]);
    }

    [Theory]
    [InlineData(RowPrecision.Float32, 2)]
    [InlineData(RowPrecision.BFloat16, 6)]
    public void A_saved_state_goes_on_to_the_same_bits(RowPrecision precision, int at)
    {
        using var scope = NewDisposeScope();
        // Interrupted before the window is full, and after it wrapped.
        var settings = new MfacSettings { Window = 4, Rate = 0.1, Warmup = 5, Momentum = 0.5, WeightDecay = 0.01, Precision = precision };
        var (whole, interrupted) = (Weights(), Weights());
        using var first = new MfacOptimizer(settings).Begin(Given.Set(whole));
        using var second = new MfacOptimizer(settings).Begin(Given.Set(interrupted));
        Steps(first, whole, 0, 9);
        Steps(second, interrupted, 0, at);
        Tensor[] resumed = [.. interrupted.Select(static weight => weight.detach().clone().requires_grad_())];
        using var third = new MfacOptimizer(settings).Begin(Given.Set(resumed));
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        Steps(third, resumed, at, 9);
        Assert.All(whole.Zip(resumed), static pair => Assert.Equal(pair.First.bytes.ToArray(), pair.Second.bytes.ToArray()));
        using var other = new MfacOptimizer(settings with { Window = 5 }).Begin(Given.Set(Weights()));
        Assert.Contains("'window.w0'", ((IStateful)other).Load(((IStateful)second).Save()).Match(static _ => "", static fault => fault.Message), StringComparison.Ordinal);
    }

    [Fact]
    public void The_order_of_the_parameters_does_not_matter()
    {
        using var scope = NewDisposeScope();
        var (forth, back) = (Weights(), Weights());
        using var first = new MfacOptimizer(new MfacSettings { Window = 3, Rate = 0.1 }).Begin(Given.Set(forth));
        using var second = new MfacOptimizer(new MfacSettings { Window = 3, Rate = 0.1 }).Begin(Given.Set([.. back.Reverse()]));
        Steps(first, forth, 0, 6);
        Steps(second, back, 0, 6);
        Assert.All(forth.Zip(back), static pair => Assert.InRange((pair.First - pair.Second).abs().max().item<float>(), 0, 1e-5f));
    }

    [Fact]
    public void It_is_clipped_as_others_are()
    {
        var part = new GramPlugin().Parts.Single(static part => part.Id == "mfac");
        Assert.Empty(part.Requires(part.ReadSettings("{}")));
        Assert.DoesNotContain(Capabilities.OwnStepLength, part.Provides(part.ReadSettings("{}")));
    }

    private static Tensor[] Weights() => [.. new long[] { 7, 5, 11 }.Select(static (length, place) => RandomKey.OfRun(4).For("w", place).Normal([length], CPU).requires_grad_())];

    private static void Steps(IOptimization optimization, Tensor[] weights, int from, int to)
    {
        for (var step = from; step < to; step++)
        {
            for (var place = 0; place < weights.Length; place++) weights[place].grad = RandomKey.OfRun(4).For("g", (10 * step) + place).Normal(weights[place].shape, CPU);
            optimization.Update(new UpdateContext(step));
        }
    }

    private static IOptimization Begin(MfacSettings settings, Tensor weight) => new MfacOptimizer(settings).Begin(Given.Set(weight));

    private static GradientWindow Window(Tensor weight, int size, double[][] rows)
    {
        var window = new GradientWindow(Given.Set(weight), size, RowPrecision.Float32);
        foreach (var row in rows) window.Push([tensor(row)]);
        return window;
    }

    // The static algorithm of the paper: a correction of rank one for each gradient.
    private static Tensor Recursion(Tensor[] rows, Tensor vector, double damping)
    {
        List<(Tensor Direction, double Scale)> corrections = [];
        Tensor Inverse(Tensor of) => corrections.Aggregate(of / damping, (sum, next) => sum - (next.Direction * (next.Direction.dot(of).item<double>() / next.Scale)));
        foreach (var row in rows)
        {
            var direction = Inverse(row);
            corrections.Add((direction, rows.Length + row.dot(direction).item<double>()));
        }
        return Inverse(vector);
    }
}
