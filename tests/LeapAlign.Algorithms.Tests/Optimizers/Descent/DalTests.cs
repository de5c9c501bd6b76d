using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Optimizers.Tests;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Descent.Tests;

public sealed class DalTests
{
    // H = diag(1, 10) at (1, 0.5).
    [Theory]
    [InlineData(1, 0.203920001)]
    [InlineData(0.5, 0.638623521)]
    public void The_rate_of_a_quadratic_is_the_recorded_one(double power, double rate)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 0.5);
        var measured = new Dictionary<string, double>();
        using var optimization = new DalOptimizer(new DalSettings { Power = power }).Begin(Given.Set(weight));
        Assert.Equal(rate, Step(optimization, measured, [1, 10], weight), 5e-10);
        Assert.Equal(9.807767722, measured["curvature"], 5e-10);
        Assert.Equal(rate * Math.Sqrt(26), measured["length"], 5e-9);
        Assert.Equal(1 - rate, weight.Values()[0], 5e-10);
        Assert.Equal(0.5 - (5 * rate), weight.Values()[1], 5e-9);
    }

    // Along an eigenvector p = 1 steps to the other side of the valley, at the edge of what is stable.
    [Fact]
    public void The_gradient_ahead_is_at_the_reach_along_the_gradient_over_all_tensors()
    {
        using var scope = NewDisposeScope();
        Tensor[] weights = [Given.Weight(3), Given.Weight(0, 4), Given.Weight(7)];
        var set = Given.Set(weights);
        using var optimization = new DalOptimizer(new DalSettings { Reach = 0.5, Power = 1 }).Begin(set);
        (weights[0].grad, weights[1].grad) = (Given.Weight(3).detach(), Given.Weight(0, 4).detach());
        var asked = 0;
        optimization.Update(new(0)
        {
            Again = (values, draw) =>
            {
                asked++;
                Assert.Equal(0, draw);
                // 0.5 along (3, 0, 4) / 5.
                Assert.Equal([3.3], values![0].Values(), Close);
                Assert.Equal([0, 4.4], values[1].Values(), Close);
                Assert.Equal([7.0], values[2].Values());
                return new StepGradient(0, [.. values.Take(2).Select(static value => value.detach()), null]);
            },
        });
        Assert.Equal(1, asked);
        Assert.Equal([-3.0], weights[0].Values(), Close);
        Assert.Equal([0, -4.0], weights[1].Values(), Close);
        Assert.Equal([7.0], weights[2].Values());
    }

    [Theory]
    [InlineData(null, 5)]
    [InlineData(0.25, 0.25)]
    public void Where_the_gradient_does_not_change_the_largest_rate_is_taken(double? own, double rate)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1);
        using var optimization = new DalOptimizer(new DalSettings()).Begin(Given.Set(weight), own);
        weight.grad = ones(1, dtype: float64);
        Assert.Equal(rate, optimization.Update(new(0) { Again = static (_, _) => new StepGradient(0, [ones(1, dtype: float64)]) }));
        Assert.Equal(1 - rate, weight.Values()[0]);
    }

    // A loss may depend on a weight at one of the two places alone.
    [Fact]
    public void A_gradient_that_is_at_one_place_alone_changed_by_all_of_it()
    {
        using var scope = NewDisposeScope();
        var (here, there) = (Given.Weight(1), Given.Weight(2));
        using var optimization = new DalOptimizer(new DalSettings { Reach = 0.5, RateMax = 100 }).Begin(Given.Set(here, there));
        here.grad = full(1, 3.0, dtype: float64);
        // ‖(−3, 4)‖ over a reach of 0.5.
        Assert.Equal(2 / (5 / 0.5), optimization.Update(new(0) { Again = static (_, _) => new StepGradient(0, [null, full(1, 4.0, dtype: float64)]) }), 1e-12);
        Assert.Equal([2.0], there.Values());
    }

    [Fact]
    public void Nothing_is_asked_for_and_nothing_moves_without_a_gradient()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1);
        using var optimization = new DalOptimizer(new DalSettings()).Begin(Given.Set(weight));
        weight.grad = zeros(1, dtype: float64);
        Assert.Equal(0, optimization.Update(new(0) { Again = static (_, _) => throw new InvalidOperationException("asked") }));
        Assert.Equal(1, weight.Values()[0]);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_gradient_ahead_that_is_not_finite_is_said_and_the_weights_stay(double there)
    {
        using var scope = NewDisposeScope();
        List<Fault> warnings = [];
        var weight = Given.Weight(1);
        using var optimization = new DalOptimizer(new DalSettings(), warnings.Add).Begin(Given.Set(weight));
        weight.grad = ones(1, dtype: float64);
        Assert.Equal(0, optimization.Update(new(0) { Again = (_, _) => new StepGradient(0, [full(1, there, dtype: float64)]) }));
        Assert.Equal(1, weight.Values()[0]);
        var fault = Assert.Single(warnings);
        Assert.Equal(FaultCodes.NoDescent, fault.Code);
        Assert.Contains("0.01 from the weights is not finite", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_share_of_the_last_direction_is_added()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0);
        using var optimization = new DalOptimizer(new DalSettings { Momentum = 0.5, RateMax = 1 }).Begin(Given.Set(weight));
        double[] expected = [-1, -2.5, -4.25];
        for (var step = 0; step < 3; step++)
        {
            weight.grad = ones(1, dtype: float64);
            optimization.Update(new(step) { Again = static (_, _) => new StepGradient(0, [ones(1, dtype: float64)]) });
            Assert.Equal(expected[step], weight.Values()[0], 1e-12);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.7)]
    public void A_saved_state_goes_on_to_the_same_bits(double momentum)
    {
        using var scope = NewDisposeScope();
        double[] curvature = [1, 3, 10, 0.1];
        static Tensor Start() => RandomKey.OfRun(4).For("w").Normal([4], CPU).to(float64).requires_grad_();
        var settings = new DalSettings { Momentum = momentum };
        var (whole, interrupted) = (Start(), Start());
        using var first = new DalOptimizer(settings).Begin(Given.Set(whole));
        using var second = new DalOptimizer(settings).Begin(Given.Set(interrupted));
        for (var step = 0; step < 7; step++) Step(first, [], curvature, whole);
        for (var step = 0; step < 3; step++) Step(second, [], curvature, interrupted);
        var resumed = interrupted.detach().clone().requires_grad_();
        using var third = new DalOptimizer(settings).Begin(Given.Set(resumed));
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        for (var step = 3; step < 7; step++) Step(third, [], curvature, resumed);
        Assert.Equal(whole.bytes.ToArray(), resumed.bytes.ToArray());
    }

    [Fact]
    public void It_needs_the_step_again_and_chooses_the_length_of_its_steps()
    {
        var part = new DescentPlugin().Parts.Single(static part => part.Id == "dal");
        Assert.Equal([Capabilities.Replay], part.Requires(part.ReadSettings("{}")));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(part.ReadSettings("{}")));
        Assert.False(((IOptimizer)new DalOptimizer(new DalSettings())).IsSeparable);
    }

    [Fact]
    public void Plain_descent_subtracts_the_rate_times_the_gradient_after_its_warm_up()
    {
        using var scope = NewDisposeScope();
        var (weight, still) = (Given.Weight(1, 2), Given.Weight(3));
        var optimizer = new SgdOptimizer(new SgdSettings { Rate = 0.5, Warmup = 2 });
        using var optimization = optimizer.Begin(Given.Set(weight, still));
        double[] rates = [0.25, 0.5, 0.5];
        for (var step = 0; step < 3; step++)
        {
            weight.grad = tensor([1.0, -2]);
            Assert.Equal(rates[step], optimization.Update(new(step)));
        }
        Assert.Equal([-0.25, 4.5], weight.Values());
        Assert.Equal([3.0], still.Values());
        Assert.True(optimizer.IsSeparable);
    }

    private static double Step(IOptimization optimization, Dictionary<string, double> measured, double[] curvature, Tensor weight)
    {
        using var scope = NewDisposeScope();
        var hessian = tensor(curvature);
        weight.grad = hessian * weight.detach();
        return optimization.Update(new(0) { Again = (values, _) => new StepGradient(0, [hessian * values![0]]), Measured = (name, value) => measured[name] = value });
    }

    private static bool Close(double one, double other) => Math.Abs(one - other) < 1e-12;
}
