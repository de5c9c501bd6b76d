using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Optimizers.Tests;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram.Tests;

public sealed class SvenTests
{
    private static readonly double[][] s_rows = [[1, 2, 0], [0, 1, 1]];

    // The step through the pseudo-inverse, from 0. Residuals of a sign: κ = 1 takes the root of a squared error, whose gradient has the sign of the residual.
    [Theory]
    [InlineData(2, 1e-3, 1, 1, new[] { -0.666666667, -0.166666667, 1.166666667 })]
    [InlineData(1, 1e-3, 1, 1, new[] { -0.066666667, -0.166666667, -0.033333333 })]
    [InlineData(2, 0, 3, 0.01, new[] { -0.666666667, -0.166666667, 1.166666667 })]
    public void Steps_are_those_of_the_cut_pseudo_inverse(int rank, double rtol, double first, double second, double[] expected)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0, 0);
        using var optimization = Begin(new SvenSettings { Rate = 1, Rank = rank, Rtol = rtol, Kappa = 1 }, weight);
        Squares(optimization, weight, [(first, s_rows[0].Select(x => first * x).ToArray()), (-second, s_rows[1].Select(x => second * x).ToArray())]);
        Assert.All(expected.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
    }

    [Fact]
    public void Two_hinges_are_met_at_once()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0.5, -0.5);
        using var optimization = Begin(new SvenSettings { Rate = 0.5, Rank = 2 }, weight);
        double[][] expected = [[0.762500000, -0.262500000], [0.933484930, -0.091515070], [1.081690075, 0.056690075]];
        foreach (var point in expected)
        {
            Hinges(optimization, weight, [1, 1]);
            Assert.All(point.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
        }
    }

    [Fact]
    public void A_factor_in_front_of_a_reward_changes_nothing_at_full_rank()
    {
        using var scope = NewDisposeScope();
        var (weight, scaled) = (Given.Weight(0.5, -0.5), Given.Weight(0.5, -0.5));
        using var plain = Begin(new SvenSettings { Rate = 0.5, Rank = 2, Rtol = 0 }, weight);
        using var other = Begin(new SvenSettings { Rate = 0.5, Rank = 2, Rtol = 0 }, scaled);
        for (var step = 0; step < 3; step++)
        {
            Hinges(plain, weight, [1, 1]);
            Hinges(other, scaled, [250, 0.004]);
        }
        Assert.All(weight.Values().Zip(scaled.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    [InlineData(3)]
    public void One_condition_is_the_step_of_polyak(double kappa)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0.3, -0.7, 1.1);
        using var optimization = Begin(new SvenSettings { Rate = 0.25, Kappa = kappa }, weight);
        var loss = (weight * tensor([1.0, 2, 3])).exp().sum();
        var gradient = Given.Derivative(loss, weight);
        // R/‖∂R‖² ∂R = (2/κ) ℓ/‖∇ℓ‖² ∇ℓ.
        var expected = (weight.detach() - (gradient * (0.25 * 2 / kappa * loss.item<double>() / gradient.square().sum().item<double>()))).Values();
        optimization.Update(Given.Set(weight), new UpdateContext(0), (loss.item<double>(), 1, [gradient]));
        Assert.All(expected.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Fact]
    public void Linear_residuals_of_full_rank_are_gone_after_a_whole_step()
    {
        using var scope = NewDisposeScope();
        var weight = RandomKey.OfRun(1).For("w").Normal([12], CPU).to(float64).requires_grad_();
        var conditions = RandomKey.OfRun(1).For("m").Normal([5, 12], CPU).to(float64);
        var targets = RandomKey.OfRun(1).For("r").Normal([5], CPU).to(float64);
        using var optimization = Begin(new SvenSettings { Rate = 1, Rank = 5, Rtol = 0, Kappa = 1 }, weight);
        var residuals = (conditions.matmul(weight.detach()) - targets).Values();
        Squares(optimization, weight, [.. residuals.Select((residual, row) => (residual, conditions[row].Values()))]);
        Assert.InRange((conditions.matmul(weight.detach()) - targets).abs().max().item<double>(), 0, 1e-12);
    }

    [Fact]
    public void Nearly_parallel_gradients_with_other_losses_are_not_inverted()
    {
        using var scope = NewDisposeScope();
        (double, double[])[] parallel = [(1, [1, 0]), (-1, [1, 5e-4])];
        double Length(double rtol, double limit)
        {
            var weight = Given.Weight(0, 0);
            using var optimization = Begin(new SvenSettings { Rate = 1, Rank = 2, Rtol = rtol, Kappa = 1, MaxUpdateNorm = limit }, weight);
            Squares(optimization, weight, parallel);
            return weight.norm().item<double>();
        }
        Assert.InRange(Length(1e-4, 0), 3000, 5000);
        Assert.InRange(Length(1e-3, 0), 0, 1);
        Assert.Equal(0.5, Length(1e-4, 0.5), 1e-12);
        Assert.InRange(Length(1e-3, 0.5), 0, 0.4);
    }

    [Fact]
    public void A_condition_that_is_met_has_no_part_whatever_the_exponent()
    {
        using var scope = NewDisposeScope();
        foreach (var kappa in new[] { 1.0, 2, 3 })
        {
            var (alone, together) = (Given.Weight(0, 0, 0), Given.Weight(0, 0, 0));
            using var one = Begin(new SvenSettings { Rank = 1, Kappa = kappa }, alone);
            using var two = Begin(new SvenSettings { Rank = 2, Kappa = kappa }, together);
            var measured = Measured(two, together, (0.5, 0.5, [tensor(s_rows[0], dtype: float64)]), (0, 0.5, [zeros(3, dtype: float64)]));
            one.Update(Given.Set(alone), new UpdateContext(0), (0.5, 1, [tensor(s_rows[0], dtype: float64)]));
            Assert.All(alone.Values().Zip(together.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
            Assert.Equal((1, 1), (measured["rank"], measured["unmet"]));
            Assert.NotEqual(0, together.norm().item<double>());
        }
    }

    [Fact]
    public void Where_all_conditions_are_met_nothing_moves()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 2);
        using var optimization = Begin(new SvenSettings { Kappa = 1 }, weight);
        var measured = Measured(optimization, weight, (0, 1, [zeros(2, dtype: float64)]));
        Assert.Equal([1, 2], weight.Values());
        Assert.Equal((0, 0, 0), (measured["rank"], measured["spread"], measured["length"]));
    }

    // At κ = 2 a loss of 0 with a slope stays a condition: the step of the other keeps it at 0.
    [Fact]
    public void What_is_met_is_not_given_up_for_others()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0, 0);
        using var optimization = Begin(new SvenSettings { Rate = 1, Rank = 2 }, weight);
        optimization.Update(Given.Set(weight), new UpdateContext(0), (1, 0.5, [tensor(s_rows[0], dtype: float64)]), (0, 0.5, [tensor(s_rows[1], dtype: float64)]));
        var moved = weight.Values();
        Assert.Equal(-1, moved[0] + (2 * moved[1]), 1e-12);
        Assert.Equal(0, moved[1] + moved[2], 1e-12);
    }

    [Fact]
    public void Neighbours_are_averaged_into_conditions_by_their_shares()
    {
        using var scope = NewDisposeScope();
        var (grouped, whole) = (Given.Weight(0.5, -0.5), Given.Weight(0.5, -0.5));
        using var first = Begin(new SvenSettings { Rate = 0.5, Rank = 2, RowsPerCondition = 2 }, grouped);
        using var second = Begin(new SvenSettings { Rate = 0.5, Rank = 2 }, whole);
        Tensor[] rows = [.. new double[][] { [1, 0.5], [0.5, 2], [-1, 0], [0, 3] }.Select(static row => tensor(row, dtype: float64))];
        first.Update(Given.Set(grouped), new UpdateContext(0), (1, 0.25, [rows[0]]), (3, 0.25, [rows[1]]), (2, 0.25, [rows[2]]), (0.5, 0.25, [rows[3]]));
        second.Update(Given.Set(whole), new UpdateContext(0), (2, 0.5, [(rows[0] + rows[1]) / 2]), (1.25, 0.5, [(rows[2] + rows[3]) / 2]));
        Assert.All(grouped.Values().Zip(whole.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Fact]
    public void Parameters_may_be_cut_and_ordered_as_one_likes_and_rows_may_miss_some()
    {
        using var scope = NewDisposeScope();
        var (left, right, whole) = (Given.Weight(0, 0), Given.Weight(0), Given.Weight(0, 0, 0));
        var cut = new SvenOptimizer(new SvenSettings { Rate = 1, Rank = 2 });
        using var first = (IRowOptimization)cut.Begin(Given.Set(right, left));
        using var second = Begin(new SvenSettings { Rate = 1, Rank = 2 }, whole);
        first.Update(Given.Set(right, left), new UpdateContext(0), (1, 0.5, [null, tensor([1.0, 2])]), (2, 0.5, [tensor([1.0]), tensor([0.0, 1])]));
        second.Update(Given.Set(whole), new UpdateContext(0), (1, 0.5, [tensor(s_rows[0])]), (2, 0.5, [tensor(s_rows[1])]));
        Assert.All(whole.Values().Zip([.. left.Values(), .. right.Values()]), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Theory]
    [InlineData(RowPrecision.Float32, 1e-5)]
    [InlineData(RowPrecision.BFloat16, 2e-2)]
    public void Single_weights_take_the_step_of_double_ones(RowPrecision precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        var (single, exact) = (RandomKey.OfRun(2).For("w").Normal([40], CPU).requires_grad_(), RandomKey.OfRun(2).For("w").Normal([40], CPU).to(float64).requires_grad_());
        using var first = Begin(new SvenSettings { Precision = precision }, single);
        using var second = Begin(new SvenSettings(), exact);
        for (var step = 0; step < 3; step++)
        {
            var rows = Enumerable.Range(0, 4).Select(row => (1.0 + row, 0.25, RandomKey.OfRun(2).For("g", (10 * step) + row).Normal([40], CPU))).ToList();
            first.Update(Given.Set(single), new UpdateContext(step), [.. rows.Select(static row => (row.Item1, row.Item2, new Tensor?[] { row.Item3 }))]);
            second.Update(Given.Set(exact), new UpdateContext(step), [.. rows.Select(static row => (row.Item1, row.Item2, new Tensor?[] { row.Item3.to(float64) }))]);
        }
        Assert.Equal(ScalarType.Float32, single.dtype);
        Assert.InRange((single.to(float64) - exact).norm().item<double>(), 0, tolerance);
    }

    [Fact]
    public void An_update_that_was_left_out_leaves_nothing_for_the_next()
    {
        using var scope = NewDisposeScope();
        var (after, fresh) = (Given.Weight(0.5, -0.5), Given.Weight(0.5, -0.5));
        using var first = Begin(new SvenSettings { Rate = 0.5 }, after);
        using var second = Begin(new SvenSettings { Rate = 0.5 }, fresh);
        for (var row = 0; row < 3; row++) first.Take(new GradientRow(row, 7, 0.3, [ones(2, dtype: float64)]));
        Hinges(first, after, [1, 1]);
        Hinges(second, fresh, [1, 1]);
        Assert.Equal(fresh.Values(), after.Values());
        // Nothing is kept from step to step.
        Assert.False(first is IStateful);
    }

    [Fact]
    public void A_loss_below_zero_is_no_condition()
    {
        using var scope = NewDisposeScope();
        using var optimization = Begin(new SvenSettings(), Given.Weight(0, 0));
        optimization.Take(new GradientRow(0, 0.1, 0.5, [ones(2, dtype: float64)]));
        var fault = Assert.Throws<FaultException>(() => optimization.Take(new GradientRow(1, -0.25, 0.5, [ones(2, dtype: float64)]))).Fault;
        Assert.Equal(FaultCodes.NoCondition, fault.Code);
        Assert.Contains("loss 2 of the step is -0.25", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 1, "rank is 3, but a step has 2 conditions")]
    [InlineData(null, 4, "2 losses of micro-batches, which are no whole conditions of rowsPerCondition = 4")]
    public void Conditions_that_do_not_fit_the_step_are_refused(int? rank, int rows, string expected)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0.5, -0.5);
        using var optimization = Begin(new SvenSettings { Rank = rank, RowsPerCondition = rows }, weight);
        var fault = Assert.Throws<FaultException>(() => Hinges(optimization, weight, [1, 1])).Fault;
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.Equal([0.5, -0.5], weight.Values());
    }

    [Fact]
    public void It_needs_rows_and_chooses_the_length_of_its_steps()
    {
        var part = new GramPlugin().Parts.Single(static part => part.Id == "sven");
        var settings = part.ReadSettings("{}");
        Assert.Equal([Capabilities.Rows], part.Requires(settings));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(settings));
        var range = (RangeAttribute)typeof(SvenSettings).GetProperty(nameof(SvenSettings.Rate))!.GetCustomAttributes(typeof(RangeAttribute), false).Single();
        Assert.False(range.IsValid(0.0));
        Assert.True(range.IsValid(1.0));
    }

    private static IRowOptimization Begin(SvenSettings settings, Tensor weight) => (IRowOptimization)new SvenOptimizer(settings).Begin(Given.Set(weight));

    // Each the half of a squared residual: its root is the residual's size over √2, which a factor in front of a row does not change.
    private static void Squares(IRowOptimization optimization, Tensor weight, (double Residual, double[] Gradient)[] conditions) => optimization.Update(
        Given.Set(weight), new UpdateContext(0), [.. conditions.Select(condition => (condition.Residual * condition.Residual, 1.0 / conditions.Length, new Tensor?[] { tensor(condition.Gradient, dtype: float64) * (2 * condition.Residual) }))]);

    private static void Hinges(IRowOptimization optimization, Tensor weight, double[] factors)
    {
        var (a, b) = (weight[0], weight[1]);
        Tensor[] losses = [factors[0] * nn.functional.relu(1 - (a + b).tanh()), factors[1] * nn.functional.relu(0.8 - a.square() + b)];
        optimization.Update(Given.Set(weight), new UpdateContext(0), [.. losses.Select(loss => (loss.item<double>(), 0.5, new Tensor?[] { Given.Derivative(loss, weight) }))]);
    }

    private static Dictionary<string, double> Measured(IRowOptimization optimization, Tensor weight, params (double, double, Tensor?[])[] rows)
    {
        Dictionary<string, double> measured = [];
        optimization.Update(Given.Set(weight), new UpdateContext(0) { Measured = measured.Add }, rows);
        return measured;
    }
}
