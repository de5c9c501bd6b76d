using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Optimizers.AdamW;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Muon.Tests;

public sealed class MuonTests
{
    private static readonly MuonSettings Settings = new() { Rate = 0.1, AdamRate = 0.03, WeightDecay = 0.1, Precision = IterationPrecision.Float32 };

    // Recorded from torch.optim.Muon with its iteration in float64: three updates, the weights row by row.
    public static TheoryData<bool, bool, ShapeScale, double[]> Recorded => new()
    {
        { false, true, ShapeScale.Original, [0.350735045, -0.464090426, 0.265384586, 0.173968004, 0.308257618, -0.861853053] },
        { false, true, ShapeScale.MatchRms, [0.438586967, -0.351018909, 0.218767431, 0.123682041, 0.360454598, -0.679061195] },
        { false, false, ShapeScale.Original, [0.349560564, -0.461815368, 0.262403341, 0.175791929, 0.308392609, -0.861716158] },
        { true, true, ShapeScale.Original, [0.320526086, 0.191259448, -0.502971452, 0.290309047, 0.281414466, -0.924708272] },
        { true, true, ShapeScale.MatchRms, [0.438586967, 0.123682041, -0.351018909, 0.360454598, 0.218767431, -0.679061195] },
        { true, false, ShapeScale.Original, [0.319087646, 0.193493291, -0.500185086, 0.290474377, 0.277763201, -0.92454061] },
    };

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Agrees_with_recorded_updates(bool tall, bool nesterov, ShapeScale scale, double[] recorded)
    {
        using var scope = NewDisposeScope();
        var weight = Turned(tensor(new[] { 0.5f, -0.3f, 0.2f, 0.1f, 0.4f, -0.6f }).reshape(2, 3)).requires_grad_();
        var (mean, change) = (tensor(new float[] { 1, 2, 0, 0, 1, 1 }).reshape(2, 3), tensor(new[] { 0.5f, 0, 0, 0, -0.5f, 0 }).reshape(2, 3));
        using var optimization = new MuonOptimizer(Settings with { Nesterov = nesterov, Scale = scale }).Begin(new([new("w", ParameterRole.Matrix, weight)]));
        foreach (var (sign, update) in new[] { (1, 0), (-1, 1), (1, 2) })
        {
            weight.grad = Turned(mean + (sign * change));
            Assert.Equal(Settings.Rate, optimization.Update(new UpdateContext(update)));
        }
        Agreement.Values(weight, tensor(recorded).reshape(weight.shape), "weight", 1e-5);

        Tensor Turned(Tensor matrix) => tall ? matrix.t().contiguous() : matrix;
    }

    [Theory]
    [InlineData(IterationPrecision.Float32)]
    [InlineData(IterationPrecision.BFloat16)]
    public void The_iteration_brings_singular_values_near_one_and_keeps_the_directions(IterationPrecision precision)
    {
        using var scope = NewDisposeScope();
        var type = precision == IterationPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        foreach (var shape in new long[][] { [24, 40], [40, 24], [16, 16] })
        {
            // Singular values from 1 to a hundredth, so that the nearest orthogonal matrix is well defined.
            var drawn = RandomKey.OfRun(3).For("g", shape[0]).Normal(shape, CPU).to(float64);
            var (u, _, v) = linalg.svd(drawn, fullMatrices: false);
            var values = logspace(0, -2, Math.Min(shape[0], shape[1]), dtype: float64);
            var made = NewtonSchulz.Orthogonal(u.matmul(diag(values)).matmul(v).to(float32), 5, type).to(float64);
            var (_, singular, _) = linalg.svd(made, fullMatrices: false);
            Assert.InRange(singular.min().item<double>(), 0.6, 1.3);
            Assert.InRange(singular.max().item<double>(), 0.6, 1.3);
            // Uᵀ M V is diagonal where the directions were kept.
            var inside = u.t().matmul(made).matmul(v.t());
            var off = inside - diag(inside.diagonal());
            Assert.InRange(off.abs().max().item<double>(), 0, type == ScalarType.BFloat16 ? 0.05 : 1e-4);
        }
    }

    [Fact]
    public void The_length_of_the_gradient_does_not_matter()
    {
        using var scope = NewDisposeScope();
        var (short1, long1) = (Draw("w", 0, [6, 4]).requires_grad_(), Draw("w", 0, [6, 4]).requires_grad_());
        using var first = Begin(Settings, ("w", ParameterRole.Matrix, short1));
        using var second = Begin(Settings, ("w", ParameterRole.Matrix, long1));
        for (var update = 0; update < 3; update++)
        {
            short1.grad = Draw("g", update, [6, 4]);
            long1.grad = Draw("g", update, [6, 4]) * 1024;
            first.Update(new UpdateContext(update));
            second.Update(new UpdateContext(update));
        }
        Agreement.Values(long1, short1, "weight", 1e-5);
        Assert.Contains(Capabilities.OwnStepLength, new MuonPlugin().Parts[0].Provides(Settings));
    }

    [Theory]
    [InlineData(ParameterRole.Bias, new long[] { 6 }, false)]
    [InlineData(ParameterRole.Norm, new long[] { 6 }, false)]
    [InlineData(ParameterRole.Embedding, new long[] { 6, 4 }, false)]
    [InlineData(ParameterRole.Matrix, new long[] { 6, 4, 2, 2 }, true)]
    [InlineData(ParameterRole.Adapter, new long[] { 6, 4 }, true)]
    public void What_is_no_matrix_learns_by_adamw_and_decays_by_its_role(ParameterRole role, long[] shape, bool decays)
    {
        using var scope = NewDisposeScope();
        var (ours, theirs) = (Draw("w", 0, shape).requires_grad_(), Draw("w", 0, shape).requires_grad_());
        using var muon = Begin(Settings, ("m", ParameterRole.Matrix, Draw("m", 0, [3, 3]).requires_grad_()), ("w", role, ours));
        using var adamw = new AdamWOptimizer(new AdamWSettings { Rate = Settings.AdamRate, DecayAll = true, WeightDecay = decays ? Settings.WeightDecay : 0 }).Begin(new([new("w", role, theirs)]));
        for (var update = 0; update < 3; update++)
        {
            ours.grad = Draw("g", update, shape);
            theirs.grad = Draw("g", update, shape);
            muon.Update(new UpdateContext(update));
            adamw.Update(new UpdateContext(update));
        }
        Assert.Equal(theirs.bytes.ToArray(), ours.bytes.ToArray());
        Assert.False(ours.detach().eq(Draw("w", 0, shape)).any().item<bool>());
    }

    [Fact]
    public void Factors_of_adapters_are_matrices_where_that_is_set()
    {
        using var scope = NewDisposeScope();
        var (factor, matrix) = (Draw("w", 0, [2, 6]).requires_grad_(), Draw("w", 0, [2, 6]).requires_grad_());
        using var adapters = Begin(Settings with { Adapters = true }, ("w", ParameterRole.Adapter, factor));
        using var matrices = Begin(Settings, ("w", ParameterRole.Matrix, matrix));
        (factor.grad, matrix.grad) = (Draw("g", 0, [2, 6]), Draw("g", 0, [2, 6]));
        adapters.Update(new UpdateContext(0));
        matrices.Update(new UpdateContext(0));
        Assert.Equal(matrix.bytes.ToArray(), factor.bytes.ToArray());
    }

    [Fact]
    public void Without_any_matrix_there_is_one_warning_that_says_what_to_set()
    {
        using var scope = NewDisposeScope();
        List<Fault> warned = [];
        ParameterSet set = new([new("w", ParameterRole.Adapter, Draw("w", 0, [2, 6]).requires_grad_())]);
        using var given = new MuonOptimizer(Settings, warned.Add).Begin(set, 0.5);
        Assert.Empty(warned);
        using var optimization = new MuonOptimizer(Settings, warned.Add).Begin(set);
        Assert.Contains("adapters = true", Assert.Single(warned).Message, StringComparison.Ordinal);
        Assert.Equal(0.5, given.Update(new UpdateContext(0)));
        Assert.Equal(Settings.AdamRate, optimization.Update(new UpdateContext(0)));
    }

    [Fact]
    public void A_saved_state_goes_on_to_the_same_bits()
    {
        using var scope = NewDisposeScope();
        var settings = new MuonSettings { Rate = 0.1, AdamRate = 0.03, Warmup = 5 };
        var (whole, interrupted) = (Weights(), Weights());
        using var first = Begin(settings, whole);
        using var second = Begin(settings, interrupted);
        Steps(first, whole, 0, 7);
        Steps(second, interrupted, 0, 3);
        var resumed = interrupted.Select(static weight => (weight.Name, weight.Role, weight.Value.detach().clone().requires_grad_())).ToArray();
        using var third = Begin(settings, resumed);
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        Steps(third, resumed, 3, 7);
        Assert.All(whole.Zip(resumed), static pair => Assert.Equal(pair.First.Value.bytes.ToArray(), pair.Second.Item3.bytes.ToArray()));
        using var other = Begin(settings, ("other", ParameterRole.Matrix, Draw("w", 0, [3, 3]).requires_grad_()));
        Assert.Contains("'momentum.", ((IStateful)third).Load(((IStateful)other).Save()).Match(static _ => "", static fault => fault.Message), StringComparison.Ordinal);
    }

    [Fact]
    public void Both_rates_warm_up_and_weights_without_a_gradient_stay()
    {
        using var scope = NewDisposeScope();
        var weights = Weights();
        using var optimization = Begin(Settings with { Warmup = 4 }, weights);
        double[] expected = [0.25, 0.5, 0.75, 1, 1];
        for (var update = 0; update < expected.Length; update++) Assert.Equal(Settings.Rate * expected[update], optimization.Update(new UpdateContext(update)), 1e-15);
        Assert.All(weights.Zip(Weights()), static pair => Assert.Equal(pair.Second.Value.bytes.ToArray(), pair.First.Value.bytes.ToArray()));
        weights[1].Value.grad = ones_like(weights[1].Value);
        optimization.Update(new UpdateContext(0));
        // The first step of AdamW from zero moments is the rate.
        Agreement.Values(weights[1].Value, Weights()[1].Value.detach() - (Settings.AdamRate / 4), "bias", 1e-6);
    }

    [Fact]
    public void Runs_on_the_meta_device()
    {
        using var scope = NewDisposeScope();
        var (weight, bias) = (empty(5, 3, device: META).requires_grad_(), empty(5, device: META).requires_grad_());
        using var optimization = Begin(new MuonSettings { Fused = false }, ("w", ParameterRole.Matrix, weight), ("b", ParameterRole.Bias, bias));
        (weight.grad, bias.grad) = (empty_like(weight), empty_like(bias));
        optimization.Update(new UpdateContext(0));
        Assert.Equal(DeviceType.META, weight.device_type);
    }

    private static (string Name, ParameterRole Role, Tensor Value)[] Weights() =>
        [("w", ParameterRole.Matrix, Draw("w", 0, [7, 5]).requires_grad_()), ("b", ParameterRole.Bias, Draw("w", 1, [11]).requires_grad_()), ("t", ParameterRole.Matrix, Draw("w", 2, [3, 8]).requires_grad_())];

    private static void Steps(IOptimization optimization, (string Name, ParameterRole Role, Tensor Value)[] weights, int from, int to)
    {
        for (var step = from; step < to; step++)
        {
            // The last weight learns nothing in every other step.
            foreach (var (name, _, value) in weights) value.grad = name == "t" && step % 2 == 0 ? null : Draw($"g{name}", step, value.shape);
            optimization.Update(new UpdateContext(step));
        }
    }

    private static IOptimization Begin(MuonSettings settings, params (string Name, ParameterRole Role, Tensor Value)[] weights) =>
        new MuonOptimizer(settings).Begin(new(weights.Select(static weight => new Parameter(weight.Name, weight.Role, weight.Value))));

    private static Tensor Draw(string purpose, int index, long[] shape) => RandomKey.OfRun(9).For(purpose, index).Normal(shape, CPU);
}
