using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Optimizers.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum.Tests;

public sealed class NpgIgtTests
{
    // A bandit with a softmax policy: the gradient of R_a log p_a at the probe, for the arms that were drawn.
    [Fact]
    public void Iterates_on_a_bandit_are_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        double[] rewards = [1, 0.5, 0.2];
        var weight = Given.Weight(0, 0, 0);
        using var optimization = Begin(new NpgIgtSettings(), weight);
        double[][] expected =
        [
            [0.081649658, -0.040824829, -0.040824829], [0.127543006, -0.089120521, -0.038422485], [0.111879681, -0.048639276, -0.063240405], [0.143731583, -0.058312846, -0.085418737],
        ];
        foreach (var (arm, step) in new[] { 0, 2, 1, 0 }.Select(static (arm, step) => (arm, step)))
        {
            var score = nn.functional.softmax(Probe(optimization, weight), 0).neg();
            score[arm] += 1;
            // The loss is what is descended.
            weight.grad = score * -rewards[arm];
            optimization.Update(new UpdateContext(step));
            Assert.All(expected[step].Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
        }
    }

    // With another share in the probe than in the average, as in the authors' code, this does not hold.
    [Theory]
    [InlineData(IgtSchedule.Published, 1)]
    [InlineData(IgtSchedule.Published, 0.4)]
    [InlineData(IgtSchedule.Constant, 0.2)]
    public void On_a_quadratic_the_direction_is_the_gradient_at_the_weights_whatever_the_shares(IgtSchedule schedule, double eta)
    {
        using var scope = NewDisposeScope();
        var weight = RandomKey.OfRun(2).For("w").Normal([6], CPU).to(float64).requires_grad_();
        var half = RandomKey.OfRun(2).For("q").Normal([6, 6], CPU).to(float64);
        var curvature = half.matmul(half.t());
        using var optimization = Begin(new NpgIgtSettings { Schedule = schedule, Eta = eta, Gamma = 0.3 }, weight);
        for (var step = 0; step < 12; step++)
        {
            weight.grad = curvature.matmul(Probe(optimization, weight)) + 1;
            var gradient = (curvature.matmul(weight.detach()) + 1).Values();
            optimization.Update(new UpdateContext(step));
            var direction = ((IStateful)optimization).Save().Tensors.Single(static tensor => tensor.Name == "direction.w0").Value.Values();
            Assert.All(gradient.Zip(direction), static pair => Assert.Equal(pair.First, pair.Second, 1e-11));
        }
    }

    [Fact]
    public void The_length_of_the_gradient_does_not_matter_and_steps_have_the_scheduled_one()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0);
        using var optimization = Begin(new NpgIgtSettings { Gamma = 0.6 }, weight);
        for (var step = 0; step < 5; step++)
        {
            var before = weight.detach().clone();
            weight.grad = tensor([3.0, -4]) * Math.Pow(10, step);
            Assert.Equal(0.6 * 2 / (step + 2), optimization.Update(new UpdateContext(step)), 1e-12);
            Assert.Equal(0.6 * 2 / (step + 2), (weight.detach() - before).norm().item<double>(), 1e-12);
        }
    }

    [Fact]
    public void The_first_step_is_made_at_the_weights_and_a_step_that_was_left_out_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 2);
        using var optimization = Begin(new NpgIgtSettings(), weight);
        Assert.Null(optimization.Probe());
        weight.grad = ones(2, dtype: float64);
        optimization.Update(new UpdateContext(0));
        var ahead = Probe(optimization, weight).Values();
        var eta = Math.Pow(2.0 / 3, 0.8);
        var moved = weight.Values()[0] - 1;
        Assert.Equal(weight.Values()[0] + ((1 - eta) / eta * moved), ahead[0], 1e-12);
        Assert.True(moved < 0);
        // The guard left the step out, and the next one is made at the same place.
        Assert.Equal(ahead, Probe(optimization, weight).Values());
    }

    [Fact]
    public void Nothing_moves_without_a_gradient()
    {
        using var scope = NewDisposeScope();
        var (moving, still) = (Given.Weight(1, 2), Given.Weight(3));
        using var optimization = (IProbingOptimization)new NpgIgtOptimizer(new NpgIgtSettings()).Begin(Given.Set(moving, still));
        moving.grad = zeros(2, dtype: float64);
        optimization.Update(new UpdateContext(0));
        Assert.Equal([1, 2], moving.Values());
        moving.grad = ones(2, dtype: float64);
        optimization.Update(new UpdateContext(1));
        Assert.Equal([3], still.Values());
        Assert.NotEqual([1, 2], moving.Values());
        Assert.Equal([3], optimization.Probe()![1].Values());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_saved_state_goes_on_to_the_same_bits(int at)
    {
        using var scope = NewDisposeScope();
        static Tensor Start() => RandomKey.OfRun(4).For("w").Normal([9], CPU).requires_grad_();
        static void Steps(IProbingOptimization optimization, Tensor weight, int from, int to)
        {
            for (var step = from; step < to; step++)
            {
                weight.grad = (Probe(optimization, weight) * 0.3) + RandomKey.OfRun(4).For("g", step).Normal([9], CPU);
                optimization.Update(new UpdateContext(step));
            }
        }
        var (whole, interrupted) = (Start(), Start());
        using var first = Begin(new NpgIgtSettings(), whole);
        using var second = Begin(new NpgIgtSettings(), interrupted);
        Steps(first, whole, 0, 7);
        Steps(second, interrupted, 0, at);
        var resumed = interrupted.detach().clone().requires_grad_();
        using var third = Begin(new NpgIgtSettings(), resumed);
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        Steps(third, resumed, at, 7);
        Assert.Equal(whole.bytes.ToArray(), resumed.bytes.ToArray());
    }

    [Fact]
    public void It_needs_a_probe_and_chooses_the_length_of_its_steps()
    {
        var part = new MomentumPlugin().Parts.Single(static part => part.Id == "npg-igt");
        Assert.Equal([Capabilities.Probe], part.Requires(part.ReadSettings("{}")));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(part.ReadSettings("{}")));
    }

    private static IProbingOptimization Begin(NpgIgtSettings settings, Tensor weight) => (IProbingOptimization)new NpgIgtOptimizer(settings).Begin(Given.Set(weight));

    private static Tensor Probe(IProbingOptimization optimization, Tensor weight) => optimization.Probe() is { } probe ? probe[0] : weight.detach().clone();
}
