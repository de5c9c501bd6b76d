using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimizers.Tests;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum.Tests;

public sealed class DiffGradTests
{
    [Theory]
    [InlineData(0, new[] { 0.900004543, 0.926894165 }, new[] { 0.827200920, 0.875207040 }, new[] { 0.760409845, 0.824228912 })]
    [InlineData(0.1, new[] { 0.900004111, 0.924974011 }, new[] { 0.827005061, 0.873057179 }, null)]
    public void Steps_on_a_quadratic_are_the_recorded_ones(double decay, params double[]?[] expected)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 1);
        using var optimization = new DiffGradOptimizer(new DiffGradSettings { Rate = 0.1, WeightDecay = decay }).Begin(Given.Set(weight));
        // One tensor for all gradients, as a run accumulates them: what is kept of one must not be its memory.
        weight.grad = zeros(2, dtype: float64);
        for (var step = 0; step < expected.OfType<double[]>().Count(); step++)
        {
            using (no_grad()) weight.grad.copy_(tensor([10.0, 1]) * weight.detach());
            optimization.Update(new UpdateContext(step));
            Assert.All(expected[step]!.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 5e-10));
        }
    }

    // Gradients that leap by a thousand have no friction, those that never change half of it.
    [Theory]
    [InlineData(1000, 1)]
    [InlineData(0, 0.5)]
    public void Without_friction_it_is_adam_and_with_all_of_it_adam_at_half_the_rate(double leap, double share)
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, -2);
        using var optimization = new DiffGradOptimizer(new DiffGradSettings { Rate = 0.1 }).Begin(Given.Set(weight));
        var (m, v, x) = (new double[2], new double[2], new double[] { 1, -2 });
        for (var step = 0; step < 6; step++)
        {
            double[] gradient = [0.3 + (leap * (step % 2 == 0 ? 1 : -1)), -0.7 + (leap * (step % 2 == 0 ? -1 : 1))];
            weight.grad = tensor(gradient);
            optimization.Update(new UpdateContext(step));
            for (var i = 0; i < 2; i++)
            {
                m[i] = (0.9 * m[i]) + (0.1 * gradient[i]);
                v[i] = (0.999 * v[i]) + (0.001 * gradient[i] * gradient[i]);
                // Nothing comes before the first gradient, from which it changes.
                var friction = step == 0 ? 1 / (1 + Math.Exp(-Math.Abs(gradient[i]))) : share;
                x[i] -= 0.1 * friction * Math.Sqrt(1 - Math.Pow(0.999, step + 1)) / (1 - Math.Pow(0.9, step + 1)) * m[i] / (Math.Sqrt(v[i]) + 1e-8);
            }
        }
        Assert.All(x.Zip(weight.Values()), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_relative_change_does_not_depend_on_the_unit_of_the_gradient(bool relative)
    {
        using var scope = NewDisposeScope();
        double Friction(double unit)
        {
            var weight = Given.Weight(1, 1);
            using var optimization = new DiffGradOptimizer(new DiffGradSettings { Rate = 0.1, Relative = relative, Epsilon = 1e-30 }).Begin(Given.Set(weight));
            Dictionary<string, double> measured = [];
            foreach (var step in Enumerable.Range(0, 3))
            {
                measured.Clear();
                weight.grad = tensor([1.0 + step, -2.0]) * unit;
                optimization.Update(new UpdateContext(step) { Measured = measured.Add });
            }
            return measured["friction"];
        }
        if (relative) Assert.Equal(Friction(1), Friction(1e-4), 1e-12);
        else Assert.InRange(Friction(1e-4), 0.5, 0.5001);
        Assert.InRange(Friction(1), 0.55, 0.9);
    }

    [Fact]
    public void Friction_that_is_the_same_everywhere_is_said_once_after_a_hundred_updates()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 1, 1);
        List<Fault> warned = [];
        using var optimization = new DiffGradOptimizer(new DiffGradSettings(), warned.Add).Begin(Given.Set(weight));
        for (var step = 0; step < 350; step++)
        {
            // A change in between begins the count anew.
            weight.grad = RandomKey.OfRun(1).For("g", step).Normal([3], CPU).to(float64) * (step == 60 ? 1 : 1e-5);
            optimization.Update(new UpdateContext(step));
            // The change back from 60 is one, too.
            Assert.Equal(step >= 161 ? 1 : 0, warned.Count);
        }
        Assert.Contains("relative = true", warned[0].Message, StringComparison.Ordinal);
        Assert.Contains("0.5 on average", warned[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_saved_state_goes_on_to_the_same_bits_and_weights_without_a_gradient_stay()
    {
        using var scope = NewDisposeScope();
        var settings = new DiffGradSettings { Rate = 0.1, Warmup = 4, WeightDecay = 0.01 };
        Tensor[] Weights() => [.. new long[] { 7, 5 }.Select(static (length, place) => RandomKey.OfRun(4).For("w", place).Normal([length], CPU).requires_grad_())];
        static void Steps(IOptimization optimization, Tensor[] weights, int from, int to)
        {
            for (var step = from; step < to; step++)
            {
                for (var place = 0; place < weights.Length; place++) weights[place].grad = place == 1 && step % 2 == 0 ? null : RandomKey.OfRun(4).For("g", (10 * step) + place).Normal(weights[place].shape, CPU);
                optimization.Update(new UpdateContext(step));
            }
        }
        var (whole, interrupted) = (Weights(), Weights());
        using var first = new DiffGradOptimizer(settings).Begin(Given.Set(whole));
        using var second = new DiffGradOptimizer(settings).Begin(Given.Set(interrupted));
        Steps(first, whole, 0, 7);
        Steps(second, interrupted, 0, 1);
        Assert.Equal(Weights()[1].bytes.ToArray(), interrupted[1].bytes.ToArray());
        Steps(second, interrupted, 1, 4);
        Tensor[] resumed = [.. interrupted.Select(static weight => weight.detach().clone().requires_grad_())];
        using var third = new DiffGradOptimizer(settings).Begin(Given.Set(resumed));
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        Steps(third, resumed, 4, 7);
        Assert.All(whole.Zip(resumed), static pair => Assert.Equal(pair.First.bytes.ToArray(), pair.Second.bytes.ToArray()));
    }

    [Fact]
    public void Decay_leaves_norms_out_unless_all_decay()
    {
        using var scope = NewDisposeScope();
        double Moved(ParameterRole role, bool all)
        {
            var weight = Given.Weight(1);
            using var optimization = new DiffGradOptimizer(new DiffGradSettings { WeightDecay = 0.5, DecayAll = all }).Begin(new([new("w", role, weight)]));
            weight.grad = zeros(1, dtype: float64);
            optimization.Update(new UpdateContext(0));
            return 1 - weight.item<double>();
        }
        Assert.True(Moved(ParameterRole.Matrix, false) > 0);
        Assert.Equal(0, Moved(ParameterRole.Norm, false));
        Assert.True(Moved(ParameterRole.Norm, true) > 0);
    }

    [Fact]
    public void It_is_clipped_as_adam_is() => Assert.Empty(new MomentumPlugin().Parts.Single(static part => part.Id == "diffgrad") is var part ? [.. part.Requires(part.ReadSettings("{}")), .. part.Provides(part.ReadSettings("{}"))] : Array.Empty<string>());
}
