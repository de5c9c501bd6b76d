using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Optimizers.Tests;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum.Tests;

public sealed class SlidingTests
{
    private static readonly double[] s_curvature = [4, 1], s_goal = [2, -0.3];

    private static readonly SlidingSettings s_settings = new() { Smooth = 4, Strong = 1, Decay = DecayTarget.Zero, Sparsity = 0.5, Inner = 2 };

    [Fact]
    public void Means_of_the_small_problem_are_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0);
        using var optimization = Begin(s_settings, weight);
        foreach (var expected in new double[][] { [0.747916667, -0.010000000], [1.243218557, -0.030059028], [1.438564146, -0.040734506] })
        {
            Step(optimization, weight);
            Assert.All(expected.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
        }
        for (var step = 3; step < 80; step++) Step(optimization, weight);
        Assert.Equal(1.5, weight.Values()[0], 2e-3);
        Assert.Equal(0, weight.Values()[1], 2e-3);
    }

    // h = 0 and T = 1: x⁺ = ((β + βp) x + μ b − g) / (β + βp + μ).
    [Fact]
    public void Without_a_penalty_and_with_one_inner_step_it_is_an_accelerated_proximal_method()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, -2);
        using var optimization = Begin(s_settings with { Smooth = 16, Sparsity = 0, Inner = 1, InnerCap = 1, Decay = DecayTarget.Start }, weight);
        const double Share = 0.125, Beta = 2, Weight = (1 + (1 / Beta)) / 2;
        double[] mean = [1, -2], point = [1, -2];
        for (var step = 0; step < 6; step++)
        {
            for (var i = 0; i < 2; i++)
            {
                var gradient = s_curvature[i] * ((((1 - Share) * mean[i]) + (Share * point[i])) - s_goal[i]);
                // p is (1 + μ/β)/2 at t = 1, and u begins at x.
                point[i] = ((Beta * (1 + Weight) * point[i]) + (i == 0 ? 1 : -2) - gradient) / ((Beta * (1 + Weight)) + 1);
                mean[i] = ((1 - Share) * mean[i]) + (Share * point[i]);
            }
            Step(optimization, weight);
            Assert.All(mean.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        }
    }

    [Fact]
    public void Inner_steps_grow_as_the_error_falls_up_to_the_cap()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0);
        List<double> inner = [];
        using var optimization = Begin(s_settings with { InnerCap = 5 }, weight);
        for (var step = 0; step < 10; step++) Step(optimization, weight, (name, value) => inner.AddRange(name == "inner" ? [value] : Array.Empty<double>()));
        // ⌈2 (7/8)^{1−k}⌉.
        Assert.Equal([2, 3, 3, 3, 4, 4, 5, 5, 5, 5], inner);
    }

    [Fact]
    public void Slices_along_the_shorter_side_die_out_as_wholes()
    {
        using var scope = NewDisposeScope();
        // The second rank is wanted less than the penalty takes, and no number of it alone is.
        var goal = tensor(new double[,] { { 2, 1, 2 }, { 0.3, 0.3, 0.3 } });
        double[] Lengths(PenaltyKind penalty, bool tall)
        {
            var weight = (tall ? zeros(3, 2, dtype: float64) : zeros(2, 3, dtype: float64)).requires_grad_();
            using var optimization = Begin(s_settings with { Smooth = 1, Strong = 0.5, Penalty = penalty, Sparsity = 0.6 }, weight);
            for (var step = 0; step < 60; step++)
            {
                var at = Probe(optimization, weight);
                weight.grad = at - (tall ? goal.t() : goal);
                optimization.Update(new UpdateContext(step));
            }
            return (tall ? weight.detach().t() : weight.detach()).norm(1, keepdim: false).Values();
        }
        foreach (var tall in new[] { false, true })
        {
            var ranks = Lengths(PenaltyKind.Ranks, tall);
            // (3 − 0.6) / 1.5 for the first, which keeps its direction.
            Assert.Equal(1.6, ranks[0], 2e-2);
            Assert.InRange(ranks[1], 0, 2e-2);
        }
        Assert.Equal(Math.Sqrt((1.4 * 1.4 * 2) + (0.4 * 0.4)) / 1.5, Lengths(PenaltyKind.L1, false)[0], 2e-2);
    }

    [Fact]
    public void Nothing_moves_without_a_gradient_and_a_step_that_was_left_out_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var (moving, still) = (Given.Weight(1, 2), Given.Weight(3));
        using var optimization = (IProbingOptimization)new SlidingOptimizer(s_settings).Begin(Given.Set(moving, still));
        Assert.Null(optimization.Probe());
        moving.grad = ones(2, dtype: float64);
        optimization.Update(new UpdateContext(0));
        Assert.Equal([3], still.Values());
        Assert.NotEqual([1, 2], moving.Values());
        var ahead = optimization.Probe()![0].Values();
        Assert.NotEqual(moving.Values(), ahead);
        Assert.Equal(ahead, optimization.Probe()![0].Values());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_saved_state_goes_on_to_the_same_bits(int at)
    {
        using var scope = NewDisposeScope();
        static Tensor Start() => RandomKey.OfRun(4).For("w").Normal([3, 3], CPU).requires_grad_();
        static void Steps(IProbingOptimization optimization, Tensor weight, int from, int to)
        {
            for (var step = from; step < to; step++)
            {
                weight.grad = (Probe(optimization, weight) * 0.3) + RandomKey.OfRun(4).For("g", step).Normal([3, 3], CPU);
                optimization.Update(new UpdateContext(step));
            }
        }
        var settings = s_settings with { Decay = DecayTarget.Start, Penalty = PenaltyKind.Ranks };
        var (whole, interrupted) = (Start(), Start());
        using var first = Begin(settings, whole);
        using var second = Begin(settings, interrupted);
        Steps(first, whole, 0, 7);
        Steps(second, interrupted, 0, at);
        var resumed = interrupted.detach().clone().requires_grad_();
        using var third = Begin(settings, resumed);
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        Steps(third, resumed, at, 7);
        Assert.Equal(whole.bytes.ToArray(), resumed.bytes.ToArray());
    }

    [Fact]
    public void More_decay_than_curvature_is_refused()
    {
        using var scope = NewDisposeScope();
        var fault = Assert.Throws<FaultException>(() => new SlidingOptimizer(new SlidingSettings { Smooth = 1, Strong = 2 }).Begin(Given.Set(Given.Weight(1)))).Fault;
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("strong is 2, which may be at most smooth, 1", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_needs_a_probe_and_chooses_the_length_of_its_steps()
    {
        var part = new MomentumPlugin().Parts.Single(static part => part.Id == "gradient-sliding");
        Assert.Equal([Capabilities.Probe], part.Requires(part.ReadSettings("{}")));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(part.ReadSettings("{}")));
    }

    private static IProbingOptimization Begin(SlidingSettings settings, Tensor weight) => (IProbingOptimization)new SlidingOptimizer(settings).Begin(Given.Set(weight));

    private static Tensor Probe(IProbingOptimization optimization, Tensor weight) => optimization.Probe() is { } probe ? probe[0] : weight.detach().clone();

    private static void Step(IProbingOptimization optimization, Tensor weight, Action<string, double>? measured = null)
    {
        weight.grad = (Probe(optimization, weight) - tensor(s_goal)) * tensor(s_curvature);
        optimization.Update(measured is null ? new UpdateContext(0) : new UpdateContext(0) { Measured = measured });
    }
}
