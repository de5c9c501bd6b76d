using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.AdamW.Tests;

public sealed class AdamWTests
{
    private static readonly AdamWSettings Settings = new() { Rate = 1e-2, WeightDecay = 0.1, Beta1 = 0.8, Beta2 = 0.95, Epsilon = 1e-6 };

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void Agrees_with_an_independent_implementation(bool fused, bool all)
    {
        using var scope = NewDisposeScope();
        var ours = Parameters();
        var theirs = Parameters().Select(static tensor => new TorchSharp.Modules.Parameter(tensor.detach().clone())).ToArray();
        using var optimization = new AdamWOptimizer(Settings with { Fused = fused, DecayAll = all }).Begin(Named(ours));
        using var matrix = optim.AdamW([theirs[0]], Settings.Rate, Settings.Beta1, Settings.Beta2, Settings.Epsilon, Settings.WeightDecay);
        using var vector = optim.AdamW([theirs[1]], Settings.Rate, Settings.Beta1, Settings.Beta2, Settings.Epsilon, all ? Settings.WeightDecay : 0);
        for (var step = 0; step < 20; step++)
        {
            for (var i = 0; i < ours.Length; i++)
            {
                ours[i].grad = Gradient(i, step);
                theirs[i].grad = Gradient(i, step);
            }
            optimization.Update(new UpdateContext(step));
            matrix.step();
            vector.step();
        }
        for (var i = 0; i < ours.Length; i++) Agreement.Values(ours[i], theirs[i].detach(), $"parameter {i}", 1e-6);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void Where_there_is_no_fused_kernel_plain_operations_are_one_warning(bool fused, int warnings)
    {
        using var scope = NewDisposeScope();
        List<Fault> warned = [];
        var weight = ones(3, 2, device: new Device(DeviceType.META)).requires_grad_();
        using var optimization = new AdamWOptimizer(Settings with { Fused = fused }, warned.Add).Begin(Set("weight", weight));
        for (var step = 0; step < 2; step++)
        {
            weight.grad = ones_like(weight);
            optimization.Update(new UpdateContext(step));
        }
        Assert.Equal(warnings, warned.Count);
        Assert.All(warned, static warning => Assert.Contains("no fused kernel for META", warning.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void The_fused_kernel_is_there_and_agrees_with_the_plain_operations()
    {
        using var scope = NewDisposeScope();
        using var parameter = ones(4);
        using var slot = new AdamWSlot("w", parameter, Settings.WeightDecay);
        parameter.grad = full_like(parameter, 0.5);
        slot.Advance();
        using (no_grad()) Assert.True(FusedAdamW.TryUpdate([slot], Settings.Form, Settings.Rate), "libtorch offers _fused_adamw_ on this device");
        // One step from zero moments: m/c1 = g and sqrt(v/c2) = |g|.
        var expected = (1 - (Settings.Rate * Settings.WeightDecay)) - (Settings.Rate * 0.5 / (0.5 + Settings.Epsilon));
        Agreement.Values(parameter, full_like(parameter, expected), "first step", 1e-6);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_saved_state_goes_on_to_the_same_bits(bool fused)
    {
        using var scope = NewDisposeScope();
        var whole = Parameters();
        var interrupted = Parameters();
        using var first = Begin(whole, fused);
        using var second = Begin(interrupted, fused);
        Steps(first, whole, 0, 7);
        Steps(second, interrupted, 0, 3);
        var resumed = interrupted.Select(static parameter => parameter.detach().clone().requires_grad_()).ToArray();
        using var third = Begin(resumed, fused);
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        Steps(third, resumed, 3, 7);
        Assert.All(whole.Zip(resumed), static pair => Assert.Equal(pair.First.bytes.ToArray(), pair.Second.bytes.ToArray()));
    }

    [Fact]
    public void A_state_of_other_weights_is_refused()
    {
        using var scope = NewDisposeScope();
        using var optimization = Begin(Parameters(), true);
        using var other = new AdamWOptimizer(Settings).Begin(Set("other", ones(3).requires_grad_()));
        Assert.Contains("'first.", ((IStateful)optimization).Load(((IStateful)other).Save()).Match(static _ => "", static fault => fault.Message), StringComparison.Ordinal);
    }

    private static IOptimization Begin(Tensor[] parameters, bool fused) => new AdamWOptimizer(Settings with { Fused = fused, Warmup = 5 }).Begin(Named(parameters));

    private static void Steps(IOptimization optimization, Tensor[] parameters, int from, int to)
    {
        for (var step = from; step < to; step++)
        {
            // The second weight learns nothing in every other step.
            for (var i = 0; i < parameters.Length; i++) parameters[i].grad = i == 1 && step % 2 == 0 ? null : Gradient(i, step);
            optimization.Update(new UpdateContext(step));
        }
    }

    [Fact]
    public void Warm_up_rises_linearly_to_the_rate_and_stays()
    {
        using var optimization = new AdamWOptimizer(Settings with { Warmup = 4 }).Begin(ParameterSet.Empty);
        double[] expected = [0.25, 0.5, 0.75, 1, 1, 1];
        for (var step = 0; step < expected.Length; step++) Assert.Equal(Settings.Rate * expected[step], optimization.Update(new UpdateContext(step)), 1e-15);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Weights_without_a_gradient_stay(bool fused)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        var before = parameters[1].detach().clone();
        using var optimization = new AdamWOptimizer(Settings with { Fused = fused }).Begin(Named(parameters));
        parameters[0].grad = Gradient(0, 0);
        optimization.Update(new UpdateContext(0));
        Assert.True(parameters[1].detach().eq(before).all().item<bool>());
        Assert.False(parameters[0].detach().eq(Parameters()[0].detach()).any().item<bool>());
    }

    [Fact]
    public void Weight_decay_is_decoupled_from_the_gradient()
    {
        using var scope = NewDisposeScope();
        var parameter = full(3, 1, 2.0f).requires_grad_();
        using var optimization = new AdamWOptimizer(Settings).Begin(Set("w", parameter));
        parameter.grad = zeros_like(parameter);
        optimization.Update(new UpdateContext(0));
        Agreement.Values(parameter, full(3, 1, 2.0f * (1 - (float)(Settings.Rate * Settings.WeightDecay))), "decayed", 1e-7);
    }

    [Theory]
    [InlineData("block.norm_q.weight", 4)]
    [InlineData("block.ff.bias", 4)]
    public void Weight_decay_leaves_out_biases_and_norms(string name, long width)
    {
        using var scope = NewDisposeScope();
        var parameter = full(width, 2.0f).requires_grad_();
        using var optimization = new AdamWOptimizer(Settings).Begin(Set(name, parameter));
        parameter.grad = zeros_like(parameter);
        optimization.Update(new UpdateContext(0));
        Agreement.Values(parameter, full(width, 2.0f), name, 0);
    }

    [Fact]
    public void Runs_on_the_meta_device()
    {
        using var scope = NewDisposeScope();
        var parameter = empty(5, 3, device: META).requires_grad_();
        using var optimization = new AdamWOptimizer(Settings).Begin(Set("w", parameter));
        parameter.grad = empty_like(parameter);
        optimization.Update(new UpdateContext(0));
        Assert.Equal(DeviceType.META, parameter.device_type);
    }

    private static Tensor[] Parameters() => [Draw("w", 0, [7, 5]).requires_grad_(), Draw("w", 1, [11]).requires_grad_()];

    private static Tensor Gradient(int parameter, int step) => Draw($"g{parameter}", step, parameter == 0 ? [7, 5] : [11]);

    private static Tensor Draw(string purpose, int index, long[] shape) => RandomKey.OfRun(9).For(purpose, index).Normal(shape, CPU);

    private static ParameterSet Named(Tensor[] tensors) => new(tensors.Select(static (tensor, i) => Named($"{i}", tensor)));

    private static Parameter Named(string name, Tensor tensor) => new(name, Parameter.RoleOf(name, tensor.shape), tensor);

    private static ParameterSet Set(string name, Tensor tensor) => new([Named(name, tensor)]);
}
