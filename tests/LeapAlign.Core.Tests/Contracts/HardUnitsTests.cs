using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Tests;

/// <summary>Three units under a loss whose expectation is known, by all eight of their states.</summary>
public sealed class HardUnitsTests
{
    // In fp32, as the reference program has them.
    private static readonly double[] s_inputs = [0.3f, -0.8f, 1.2f];
    private static readonly double[] s_gradient = [0.009398993, 0.500468013, -0.034797666];
    private static readonly double[] s_best = [1.320701519, 2.215363176, 1.431477358];

    [Fact]
    public void Reinforce_is_unbiased_and_varies_as_its_baseline_says()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(1.326425887, (Chances() * Losses(States())).sum().item<double>(), 1e-9);
        var (mean, variance) = Moments(Reinforced(zeros(3, dtype: float64)));
        Equal(s_gradient, mean);
        Equal([1.000408531, 1.290544301, 0.937330404], variance);
        (mean, variance) = Moments(Reinforced(tensor(s_best)));
        Equal(s_gradient, mean);
        Equal([0.574011510, 0.240711024, 0.572802036], variance);
    }

    [Fact]
    public void The_best_baseline_is_a_ratio_of_running_means()
    {
        using var scope = NewDisposeScope();
        var moments = (UnitBaselines.Moments(Inputs(), States(), Losses(States())) * Chances().view(1, 8, 1)).sum([1]);
        Equal(s_best, moments[0] / moments[1]);

        // As if each state had come as often as it is likely: the mean over samples is that over states.
        using var baselines = new UnitBaselines(3, 0.9);
        Assert.True(baselines.Values(float64).eq(0).all().item<bool>());
        var order = RandomKey.OfRun(1).Open();
        var cumulated = Chances().cumsum(0).data<double>().ToArray();
        var rows = tensor([.. Enumerable.Range(0, 40_000).Select(_ => order.NextDouble()).Select(at => (long)Array.FindIndex(cumulated, sum => at < sum))]);
        var drawn = States().index_select(0, rows);
        for (var update = 0; update < 3; update++) baselines.Update(Inputs(), drawn, Losses(drawn));
        Assert.All(s_best.Zip(baselines.Values(float64).data<double>().ToArray()), static pair => Assert.Equal(pair.First, pair.Second, 0.08));
        // Means that have begun at 0 have a bias that is one of both, so that the ratio has none; what came last counts more.
        var before = baselines.State.clone();
        baselines.Update(Inputs(), drawn, Losses(drawn) * 0);
        Equal((before[0] * 0.9).data<double>().ToArray(), baselines.State[0]);
        Equal(((before[1] * 0.9) + ((drawn - Inputs().sigmoid()).square().mean([0]) * 0.1)).data<double>().ToArray(), baselines.State[1]);
    }

    [Fact]
    public void Straight_through_has_the_published_bias()
    {
        using var scope = NewDisposeScope();
        foreach (var (sloped, expected) in new[] { (false, new[] { 0.187333282, 0.819826987, -0.061346117 }), (true, [0.045795178, 0.175368941, -0.010913133]) })
        {
            var inputs = Inputs().expand(8, 3).clone().requires_grad_();
            var passed = HardUnits.Passed(inputs, States(), sloped);
            Assert.Equal(States().data<double>().ToArray(), passed.detach().data<double>().ToArray().Select(static value => Math.Round(value, 12)));
            Equal(expected, Moments(autograd.grad([Losses(passed).sum()], [inputs])[0]).Mean);
        }
    }

    [Fact]
    public void Eight_bits_pass_the_gradient_between_their_ends()
    {
        using var scope = NewDisposeScope();
        var x = tensor([0.1234, 0.5, 0.9999, -0.2]).requires_grad_();
        var y = HardUnits.EightBit(x);
        Equal([0.121568627, 0.501960784, 1, 0], y.detach());
        Equal([0.243137255, 1.003921569, 2, 0], autograd.grad([y.square().sum()], [x])[0]);
        // Half to even, as files are written.
        Assert.Equal(2.0 / 255, HardUnits.EightBit(tensor(2.5 / 255)).item<double>(), 1e-12);
        Assert.Equal(4.0 / 255, HardUnits.EightBit(tensor(3.5 / 255)).item<double>(), 1e-12);
    }

    [Fact]
    public void A_threshold_has_the_slope_of_a_logistic_function()
    {
        using var scope = NewDisposeScope();
        var x = tensor([0.4, 0.5, 0.7]).requires_grad_();
        var passed = HardUnits.Threshold(x, 0.5, 0.2);
        Equal([0, 1, 1], passed.detach());
        Equal([.. new[] { -0.5, 0, 1 }.Select(static z => 1 / (1 + Math.Exp(-z))).Select(static p => p * (1 - p) / 0.2)], autograd.grad([passed.sum()], [x])[0]);
        Assert.Throws<ArgumentOutOfRangeException>(static () => HardUnits.Threshold(ones(1), 0.5, 0));
    }

    // Many draws of one unit each.
    [Fact]
    public void Drawn_units_have_their_means()
    {
        using var scope = NewDisposeScope();
        const int many = 60_000;
        var inputs = tensor(s_inputs).unsqueeze(1).expand(3, many).clone().requires_grad_();
        var chance = tensor(s_inputs).sigmoid();
        var error = 4 / Math.Sqrt(many);
        void Near(Tensor expected, Tensor found, double deviation = 0.5) =>
            Assert.All(expected.data<double>().ToArray().Zip(found.detach().data<double>().ToArray()), pair => Assert.Equal(pair.First, pair.Second, deviation * error));

        Near(chance, HardUnits.Draw(inputs, RandomKey.OfRun(1)).mean([1]));
        var smooth = HardUnits.StochasticTimesSmooth(inputs, RandomKey.OfRun(2));
        Near(chance, smooth.mean([1]));
        // Each state of b makes h = b √p: its derivative is b (√p)′.
        Near(chance * (1 - chance) / 2, autograd.grad([smooth.sum()], [inputs])[0].mean([1]));
        var rectified = HardUnits.NoisyRectifier(inputs, RandomKey.OfRun(3));
        Near(chance, rectified.gt(0).to(float64).mean([1]));
        Near((tensor(s_inputs).exp() + 1).log(), rectified.mean([1]), 1.5);
        // d/da E ln(1 + e^a) is the chance that the unit is above 0.
        Near(chance, autograd.grad([rectified.sum()], [inputs])[0].mean([1]));
        Assert.False(HardUnits.Draw(inputs, RandomKey.OfRun(1)).requires_grad);
    }

    [Fact]
    public void Draws_are_those_of_their_keys()
    {
        using var scope = NewDisposeScope();
        var inputs = zeros(64, dtype: float64);
        Assert.True(HardUnits.Draw(inputs, RandomKey.OfRun(1)).eq(HardUnits.Draw(inputs, RandomKey.OfRun(1))).all().item<bool>());
        Assert.False(HardUnits.Draw(inputs, RandomKey.OfRun(1)).eq(HardUnits.Draw(inputs, RandomKey.OfRun(2))).all().item<bool>());
    }

    private static Tensor Inputs() => tensor(s_inputs);

    private static Tensor States() => tensor([.. Enumerable.Range(0, 8).SelectMany(static state => Enumerable.Range(0, 3).Select(unit => (double)((state >> unit) & 1)))]).reshape(8, 3);

    private static Tensor Chances()
    {
        var p = Inputs().sigmoid();
        return where(States().gt(0), p, 1 - p).prod(1);
    }

    private static Tensor Losses(Tensor h) => (h.matmul(tensor([1.0, -2.0, 0.5])) - 0.4).square() + (h.select(1, 0) * h.select(1, 1));

    private static Tensor Reinforced(Tensor baselines)
    {
        var inputs = Inputs().expand(8, 3).clone().requires_grad_();
        return autograd.grad([HardUnits.Reinforce(inputs, States(), Losses(States()), baselines).sum()], [inputs])[0];
    }

    private static (Tensor Mean, Tensor Variance) Moments(Tensor estimates)
    {
        var weights = Chances().unsqueeze(1);
        var mean = (estimates * weights).sum([0]);
        return (mean, (estimates.square() * weights).sum([0]) - mean.square());
    }

    private static void Equal(double[] expected, Tensor actual) => Assert.All(expected.Zip(actual.data<double>().ToArray()), static pair => Assert.Equal(pair.First, pair.Second, 1e-9));
}
