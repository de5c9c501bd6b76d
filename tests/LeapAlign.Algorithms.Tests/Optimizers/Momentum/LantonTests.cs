using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimizers.Tests;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum.Tests;

public sealed class LantonTests
{
    private static readonly double[][] s_means = [[1, 2, 0, 0, 1, 1], [2, 0, 0, 0, 0, 1]];
    private static readonly double[][] s_changes = [[0.1, 0, 0, 0, 0.1, 0], [1, 0, 0, 0, 1, 0]];
    private static readonly LantonSettings s_settings = new() { Rate = 0.1, Alpha = 1 };

    [Fact]
    public void Noise_rates_and_weights_are_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        var weights = Zeros(2);
        using var optimization = new LantonOptimizer(s_settings).Begin(Given.Set(weights));
        double[][] noises = [[0, 0], [0.010666667, 1.066666667], [0.020266667, 2.026666667]];
        double[] least = [0.1, 0.083624662, 0.076196895];
        for (var step = 0; step < 3; step++)
        {
            var measured = Update(optimization, weights, step);
            var numbers = ((IStateful)optimization).Save().Numbers;
            for (var layer = 0; layer < 2; layer++) Assert.Equal(noises[step][layer], numbers[FormattableString.Invariant($"noise.w{layer}")], 5e-10);
            Assert.Equal(least[step], measured["rate_min"], 5e-10);
        }
        Near([-0.134215919, -0.196317369, 0.058368377, 0.060928329, -0.105031731, -0.212634416], weights[0]);
        Near([-0.212143413, 0, 0, 0, -0.075689835, -0.185003353], weights[1]);
    }

    [Theory]
    [InlineData("no noise counts")]
    [InlineData("equal noise")]
    [InlineData("a group for each")]
    public void Rates_are_fixed_where_there_is_nothing_to_compare(string which)
    {
        using var scope = NewDisposeScope();
        var weights = Zeros(2);
        var settings = which switch { "no noise counts" => s_settings with { Alpha = 1e9 }, "a group for each" => s_settings with { Groups = ["w0", "w1"] }, _ => s_settings };
        using var optimization = new LantonOptimizer(settings).Begin(Given.Set(weights));
        for (var step = 0; step < 4; step++) Assert.Equal(0.1, Update(optimization, weights, step, equal: which == "equal noise")["rate_min"], 1e-12);
        if (which != "equal noise") Assert.NotEqual(0, ((IStateful)optimization).Save().Numbers["noise.w1"]);
    }

    [Theory]
    [InlineData(5, 9)]
    [InlineData(9, 5)]
    [InlineData(80, 96)]
    [InlineData(96, 80)]
    public void Directions_are_those_of_the_unit_ball_and_norms_the_dual_ones(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        var gradient = RandomKey.OfRun(2).For("g").Normal([rows, columns], CPU).to(float64);
        var iterated = Math.Min(rows, columns) > 64;
        foreach (var norm in new[] { LayerNorm.Hidden, LayerNorm.Embedding, LayerNorm.Vector })
        {
            var direction = norm.Direction(gradient);
            // ⟨G, D⟩ = −‖G‖ for a D on the ball.
            Assert.Equal(-norm.Dual(gradient), (gradient * direction).sum().item<double>(), 1e-9 * norm.Dual(gradient));
            Assert.All(direction.Values().Zip(norm.Direction(gradient * 1000).Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-9));
            Assert.All(norm.Direction(zeros_like(gradient)).Values(), static value => Assert.Equal(0, value));
        }
        var values = linalg.svdvals(LayerNorm.Hidden.Direction(gradient) * Math.Sqrt((double)columns / rows));
        Assert.All(values.Values(), value => Assert.InRange(value, iterated ? 0.3 : 1 - 1e-9, iterated ? 1.3 : 1 + 1e-9));
        Assert.Equal(Math.Sqrt((double)rows / columns) * linalg.svdvals(gradient).sum().item<double>(), LayerNorm.Hidden.Dual(gradient), (iterated ? 0.2 : 1e-9) * LayerNorm.Hidden.Dual(gradient));
        Assert.All(LayerNorm.Embedding.Direction(gradient).Values(), static value => Assert.Equal(1, Math.Abs(value)));
        Assert.Equal(Math.Sqrt(gradient.numel()), LayerNorm.Vector.Direction(gradient).norm().item<double>(), 1e-9);
    }

    // The other factor of an adapter begins at zero, so that a gradient is one of rank 0 or 1: what is not in it must not move.
    [Fact]
    public void Directions_that_are_not_in_the_gradient_do_not_move()
    {
        using var scope = NewDisposeScope();
        var gradient = RandomKey.OfRun(2).For("a").Normal([8, 1], CPU).matmul(RandomKey.OfRun(2).For("b").Normal([1, 20], CPU));
        var values = linalg.svdvals(LayerNorm.Hidden.Direction(gradient).to(float64) / Math.Sqrt(8.0 / 20));
        Assert.Equal(1, values[0].item<double>(), 1e-5);
        Assert.InRange(values[1].item<double>(), 0, 1e-5);
    }

    [Fact]
    public void Roles_and_patterns_choose_the_norm()
    {
        using var scope = NewDisposeScope();
        Tensor Moved(ParameterRole role, long[] shape, params string[] heads)
        {
            var weight = zeros(shape, dtype: float64).requires_grad_();
            using var optimization = new LantonOptimizer(s_settings with { Heads = heads }).Begin(new([new("out.weight", role, weight)]));
            weight.grad = arange(1, weight.numel() + 1, dtype: float64).square().reshape(shape);
            optimization.Update(new UpdateContext(0));
            return weight.detach();
        }
        bool Signed(Tensor moved) => moved.Values().All(static value => Math.Abs(value + 0.1) < 1e-12);
        Assert.True(Signed(Moved(ParameterRole.Embedding, [3, 4])));
        Assert.True(Signed(Moved(ParameterRole.Matrix, [3, 4], "out.*")));
        Assert.False(Signed(Moved(ParameterRole.Matrix, [3, 4])));
        Assert.Equal(0.1 * Math.Sqrt(3.0 / 4), linalg.svdvals(Moved(ParameterRole.Matrix, [3, 4]))[0].item<double>(), 1e-9);
        Assert.Equal(0.1 * Math.Sqrt(3.0 / 4), linalg.svdvals(Moved(ParameterRole.Adapter, [3, 4]))[0].item<double>(), 1e-9);
        Assert.Equal(0.1 * Math.Sqrt(3.0 / 8), linalg.svdvals(Moved(ParameterRole.Matrix, [3, 2, 2, 2]).flatten(1))[0].item<double>(), 1e-9);
        Assert.Equal(0.1 * Math.Sqrt(5), Moved(ParameterRole.Bias, [5]).norm().item<double>(), 1e-9);
        var fault = Assert.Throws<FaultException>(() => Moved(ParameterRole.Matrix, [3, 4], "head.*")).Fault;
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("'head.*' of heads names none of the 1 trained tensors, such as 'out.weight'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_group_finds_its_level_after_ten_updates_and_keeps_it()
    {
        using var scope = NewDisposeScope();
        var weights = Zeros(2);
        using var optimization = new LantonOptimizer(s_settings with { Alpha = null }).Begin(Given.Set(weights));
        double level = 0;
        for (var step = 0; step < 14; step++)
        {
            var least = Update(optimization, weights, step)["rate_min"];
            var numbers = ((IStateful)optimization).Save().Numbers;
            Assert.Equal(step >= 9, numbers.ContainsKey("alpha.matrices"));
            if (step < 9)
            {
                Assert.Equal(0.1, least, 1e-12);
                continue;
            }
            if (step == 9) level = Math.Sqrt((numbers["noise.w0"] + numbers["noise.w1"]) / 2);
            Assert.Equal(level, numbers["alpha.matrices"], 1e-12);
            double Quiet(int layer) => level / Math.Sqrt((level * level) + numbers[FormattableString.Invariant($"noise.w{layer}")]);
            Assert.Equal(0.1 * Math.Sqrt(Quiet(1) / Quiet(0)), least, 1e-12);
        }
    }

    [Fact]
    public void A_second_draw_at_the_same_weights_is_no_drift()
    {
        using var scope = NewDisposeScope();
        var weights = Zeros(2);
        var settings = s_settings with { Noise = NoiseOf.SecondDraw };
        using var optimization = new LantonOptimizer(settings).Begin(Given.Set(weights));
        List<int> drawn = [];
        for (var step = 0; step < 3; step++)
        {
            // Gradients that drift, without noise.
            Tensor[] gradients = [.. s_means.Select(mean => tensor(mean).reshape(2, 3) * (step + 1))];
            for (var layer = 0; layer < 2; layer++) weights[layer].grad = gradients[layer];
            optimization.Update(new UpdateContext(step)
            {
                Again = (values, draw) =>
                {
                    Assert.Null(values);
                    drawn.Add(draw);
                    return new StepGradient(0, [gradients[0], step == 0 ? gradients[1] + (tensor(s_changes[1]).reshape(2, 3) * 2) : gradients[1]]);
                },
            });
        }
        Assert.Equal([1, 1, 1], drawn);
        var numbers = ((IStateful)optimization).Save().Numbers;
        Assert.Equal(0, numbers["noise.w0"]);
        // The one difference, at the first update already: 0.1 · ‖2 E‖² twice decayed.
        Assert.Equal(1.066666667 * 0.81, numbers["noise.w1"], 1e-6);
    }

    [Theory]
    [InlineData(NoiseOf.Previous, 5)]
    [InlineData(NoiseOf.Previous, 12)]
    [InlineData(NoiseOf.SecondDraw, 5)]
    public void A_saved_state_goes_on_to_the_same_bits(NoiseOf noise, int at)
    {
        using var scope = NewDisposeScope();
        var settings = new LantonSettings { Rate = 0.1, Warmup = 5, Noise = noise };
        ParameterSet Weights() => new(new (string, ParameterRole, long[])[] { ("a", ParameterRole.Matrix, [4, 6]), ("b", ParameterRole.Matrix, [6, 3]), ("c", ParameterRole.Bias, [5]) }
            .Select(static of => new Parameter(of.Item1, of.Item2, RandomKey.OfRun(4).For(of.Item1).Normal(of.Item3, CPU).requires_grad_())));
        static void Steps(IOptimization optimization, ParameterSet weights, int from, int to)
        {
            for (var step = from; step < to; step++)
            {
                foreach (var weight in weights) weight.Value.grad = RandomKey.OfRun(4).For(weight.Name, step).Normal(weight.Value.shape, CPU);
                optimization.Update(new UpdateContext(step) { Again = (_, _) => new StepGradient(0, [.. weights.Select(weight => RandomKey.OfRun(5).For(weight.Name, step).Normal(weight.Value.shape, CPU))]) });
            }
        }
        var (whole, interrupted) = (Weights(), Weights());
        using var first = new LantonOptimizer(settings).Begin(whole);
        using var second = new LantonOptimizer(settings).Begin(interrupted);
        Steps(first, whole, 0, 15);
        Steps(second, interrupted, 0, at);
        ParameterSet resumed = new(interrupted.Select(static weight => new Parameter(weight.Name, weight.Role, weight.Value.detach().clone().requires_grad_())));
        using var third = new LantonOptimizer(settings).Begin(resumed);
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        Steps(third, resumed, at, 15);
        Assert.All(whole.Zip(resumed), static pair => Assert.Equal(pair.First.Value.bytes.ToArray(), pair.Second.Value.bytes.ToArray()));
    }

    [Theory]
    [InlineData("{}", false)]
    [InlineData("""{ "noise": "second-draw", "groups": ["*.attn.*"] }""", true)]
    public void It_needs_a_second_draw_where_noise_is_measured_by_one(string settings, bool draws)
    {
        var part = new MomentumPlugin().Parts.Single(static part => part.Id == "lanton");
        Assert.Equal(draws ? [Capabilities.SecondDraw] : Array.Empty<string>(), part.Requires(part.ReadSettings(settings)));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(part.ReadSettings(settings)));
    }

    private static Tensor[] Zeros(int count) => [.. Enumerable.Range(0, count).Select(static _ => zeros(2, 3, dtype: float64).requires_grad_())];

    private static Dictionary<string, double> Update(IOptimization optimization, Tensor[] weights, int step, bool equal = false)
    {
        for (var layer = 0; layer < weights.Length; layer++)
            weights[layer].grad = (tensor(s_means[layer]) + (tensor(s_changes[equal ? 1 : layer]) * (step % 2 == 0 ? 1 : -1))).reshape(2, 3);
        Dictionary<string, double> measured = [];
        optimization.Update(new UpdateContext(step) { Measured = measured.Add });
        return measured;
    }

    private static void Near(double[] expected, Tensor weight) => Assert.All(expected.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
}
