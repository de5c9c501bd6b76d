using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Optimizers.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum.Tests;

public sealed class HarpgTests
{
    private static readonly double[] s_rewards = [1, 0.5, 0.2];

    // A bandit with a softmax policy; the second draw is an arm that stays while weights move, at its importance: R p(τ|θ)/p(τ|θ̂).
    [Fact]
    public void Iterates_on_a_bandit_are_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0, 0);
        using var optimization = Begin(new HarpgSettings { At = HessianPlace.Middle, Reach = 1e-5 }, weight);
        List<double[]> seen = [];
        var before = weight.detach().clone();
        (int Own, int Second)[] drawn = [(0, 0), (2, 1), (1, 0), (0, 2)];
        for (var step = 0; step < drawn.Length; step++)
        {
            var arms = drawn[step];
            var middle = (weight.detach() + before) / 2;
            before = weight.detach().clone();
            weight.grad = Score(weight.detach(), arms.Own).neg();
            optimization.Update(new UpdateContext(step)
            {
                Again = (values, draw) =>
                {
                    Assert.Equal(1, draw);
                    var importance = (nn.functional.softmax(values![0], 0)[arms.Second] / nn.functional.softmax(middle, 0)[arms.Second]).item<double>();
                    return new StepGradient(0, [Score(values[0], arms.Second) * -importance]);
                },
            });
            seen.Add(weight.Values());
        }
        Assert.All(((double[])[0.130882866, -0.085548413, -0.045334453]).Zip(seen[1]), static pair => Assert.Equal(pair.First, pair.Second, 2e-9));
        Assert.All(((double[])[0.161552597, -0.058466193, -0.103086404]).Zip(seen[3]), static pair => Assert.Equal(pair.First, pair.Second, 2e-9));
    }

    [Theory]
    [InlineData(IgtSchedule.Published, 1, HessianPlace.Uniform)]
    [InlineData(IgtSchedule.Published, 0.4, HessianPlace.Middle)]
    [InlineData(IgtSchedule.Constant, 0.2, HessianPlace.Uniform)]
    public void On_a_quadratic_the_direction_is_the_gradient_at_the_weights_whatever_the_shares(IgtSchedule schedule, double eta, HessianPlace at)
    {
        using var scope = NewDisposeScope();
        var weight = RandomKey.OfRun(2).For("w").Normal([6], CPU).to(float64).requires_grad_();
        var half = RandomKey.OfRun(2).For("q").Normal([6, 6], CPU).to(float64);
        var curvature = half.matmul(half.t());
        using var optimization = Begin(new HarpgSettings { Schedule = schedule, Eta = eta, Gamma = 0.3, At = at, Reach = 0.1 }, weight);
        for (var step = 0; step < 12; step++)
        {
            var gradient = curvature.matmul(weight.detach()) + 1;
            weight.grad = gradient;
            optimization.Update(new UpdateContext(step) { Again = (values, _) => new StepGradient(0, [curvature.matmul(values![0]) + 1]) });
            Assert.All(gradient.Values().Zip(Direction(optimization).Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-11));
        }
    }

    [Fact]
    public void Curvature_is_measured_between_the_last_weights_and_these_at_places_of_their_own()
    {
        using var scope = NewDisposeScope();
        List<double> places = [];
        var weight = Given.Weight(1);
        using var optimization = Begin(new HarpgSettings { Gamma = 0.5, Schedule = IgtSchedule.Constant, Reach = 1e-6 }, weight);
        var before = 1.0;
        for (var step = 0; step < 6; step++)
        {
            weight.grad = ones(1, dtype: float64);
            var here = weight.item<double>();
            List<double> asked = [];
            optimization.Update(new UpdateContext(step)
            {
                Again = (values, _) =>
                {
                    asked.Add(values![0].item<double>());
                    return new StepGradient(0, [zeros(1, dtype: float64)]);
                },
            });
            if (step > 0) places.Add((asked.Average() - before) / (here - before));
            Assert.Equal(step == 0 ? 0 : 2, asked.Count);
            before = here;
        }
        // From the last weights on: q θ_t + (1 − q) θ_{t−1}, q under the key of the update.
        Assert.All(places.Index(), static place => Assert.Equal(RandomKey.OfRun(0).For("harpg", place.Index + 1).Open().NextDouble(), place.Item, 1e-6));
    }

    [Theory]
    [InlineData(true, 0.4)]
    [InlineData(false, 0.6928203230275509)]
    public void Steps_have_the_scheduled_length_or_are_the_scheduled_share_of_the_direction(bool normalized, double third)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0);
        using var optimization = Begin(new HarpgSettings { Gamma = 0.6 * 5 / 3, Normalized = normalized }, weight);
        var moved = 0.0;
        for (var step = 0; step < 4; step++)
        {
            var before = weight.detach().clone();
            weight.grad = tensor([3.0, -4]);
            Assert.Equal(step == 0 ? 1 : normalized ? 2.0 / (step + 2) : Math.Sqrt(2.0 / (step + 2)), optimization.Update(Still(step)), 1e-12);
            moved = (weight.detach() - before).norm().item<double>();
        }
        Assert.Equal(normalized ? third : 5 * Math.Sqrt(0.4), moved, 1e-12);
    }

    [Fact]
    public void Nothing_moves_without_a_gradient()
    {
        using var scope = NewDisposeScope();
        var (moving, still) = (Given.Weight(1, 2), Given.Weight(3));
        using var optimization = new HarpgOptimizer(new HarpgSettings()).Begin(Given.Set(moving, still));
        moving.grad = zeros(2, dtype: float64);
        optimization.Update(Still(0));
        Assert.Equal([1, 2], moving.Values());
        moving.grad = ones(2, dtype: float64);
        optimization.Update(Still(1));
        Assert.Equal([3], still.Values());
        Assert.NotEqual([1, 2], moving.Values());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_saved_state_goes_on_to_the_same_bits(int at)
    {
        using var scope = NewDisposeScope();
        static Tensor Start() => RandomKey.OfRun(4).For("w").Normal([9], CPU).requires_grad_();
        static Tensor Gradient(Tensor at, int step, int draw) => (at * at * 0.3) + RandomKey.OfRun(4).For("g", step).For("draw", draw).Normal([9], CPU);
        static void Steps(IOptimization optimization, Tensor weight, int from, int to)
        {
            for (var step = from; step < to; step++)
            {
                var index = step;
                weight.grad = Gradient(weight.detach(), index, 0);
                optimization.Update(new UpdateContext(step) { Again = (values, draw) => new StepGradient(0, [Gradient(values![0], index, draw)]) });
            }
        }
        var (whole, interrupted) = (Start(), Start());
        using var first = Begin(new HarpgSettings(), whole);
        using var second = Begin(new HarpgSettings(), interrupted);
        Steps(first, whole, 0, 7);
        Steps(second, interrupted, 0, at);
        var resumed = interrupted.detach().clone().requires_grad_();
        using var third = Begin(new HarpgSettings(), resumed);
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        Steps(third, resumed, at, 7);
        Assert.Equal(whole.bytes.ToArray(), resumed.bytes.ToArray());
    }

    [Fact]
    public void It_needs_a_second_draw_and_curvature_and_chooses_the_length_of_its_steps()
    {
        var part = new MomentumPlugin().Parts.Single(static part => part.Id == "harpg");
        Assert.Equal([Capabilities.SecondDraw, Capabilities.HessianVector], part.Requires(part.ReadSettings("{}")));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(part.ReadSettings("{}")));
    }

    private static UpdateContext Still(int step) => new(step) { Again = static (values, _) => new StepGradient(0, [.. values!.Select(static value => zeros_like(value))]) };

    // R_a ∇ log p_a.
    private static Tensor Score(Tensor at, int arm)
    {
        var score = nn.functional.softmax(at, 0).neg();
        score[arm] += 1;
        return score * s_rewards[arm];
    }

    private static Tensor Direction(IOptimization optimization) => ((IStateful)optimization).Save().Tensors.Single(static tensor => tensor.Name == "direction.w0").Value;

    private static IOptimization Begin(HarpgSettings settings, Tensor weight) => new HarpgOptimizer(settings).Begin(Given.Set(weight));
}
