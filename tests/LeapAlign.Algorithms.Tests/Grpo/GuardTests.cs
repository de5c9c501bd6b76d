using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>The identities of the guarded ratio.</summary>
public sealed class GuardTests
{
    private static readonly Contracts.Flow.Schedule Schedule = Sigmas.Explicit(9, 3);

    [Property(MaxTest = 50)]
    public void The_log_ratio_is_the_mean_of_noise_times_shift_and_the_published_formula(long seed, PositiveInt at, bool dance)
    {
        using var scope = NewDisposeScope();
        var (then, now, z, velocity) = Moved(seed, at.Get % (Schedule.Steps - 1), dance, 0.05);
        var logRatio = new GuardRatio(reweight: true).LogRatio(now, then);

        var shift = now.Mean.detach() - then.Mean!;
        Agreement.Values(logRatio, (z * shift).flatten(1).mean([1]), "mean z δ", 1e-12);
        var published = ((now.LogProbability(then.Next) - then.LogProbability) * now.Deviation) + (shift.square().flatten(1).mean([1]) / (2 * now.Deviation));
        Agreement.Values(logRatio, published, "published formula", 1e-10);

        // ∂/∂v mean_d z δ = z ∂μ/∂v / D.
        logRatio.sum().backward();
        var slope = (now.Mean.detach() - then.Mean!).flatten()[0].item<double>() / (velocity.detach() - velocity.detach().mul(1 / 1.05)).flatten()[0].item<double>();
        Agreement.Values(velocity.grad!, z * (slope / (z.numel() / z.shape[0])), "gradient", 1e-8);
    }

    [Fact]
    public void Without_a_shift_it_is_zero_to_the_bit_and_its_mean_over_the_noise_is_zero_with_one()
    {
        using var scope = NewDisposeScope();
        var (then, now, _, _) = Moved(1, 3, false, 0);
        Assert.All(new GuardRatio(true).LogRatio(now, then).data<double>().ToArray(), static ratio => Assert.Equal(0, ratio));

        var guarded = new List<double>();
        var plain = new List<double>();
        for (var seed = 0; seed < 400; seed++)
        {
            (then, now, _, _) = Moved(seed, 3, false, 1);
            guarded.AddRange(new GuardRatio(true).LogRatio(now, then).data<double>().ToArray());
            plain.AddRange(new PlainRatio().LogRatio(now, then).data<double>().ToArray());
        }
        // Four standard errors; the plain ratio is biased below 1 by far more.
        var error = 4 * Math.Sqrt(guarded.Average(static value => value * value) / guarded.Count);
        Assert.InRange(guarded.Average(), -error, error);
        Assert.True(plain.Average() < -4 * Math.Sqrt(plain.Average(static value => value * value) / plain.Count));
    }

    [Theory]
    [InlineData(1e-6)]
    [InlineData(1e-4)]
    public void Ratios_of_fp32_latents_keep_the_digits_that_the_clip_looks_at(double share)
    {
        using var scope = NewDisposeScope();
        var (x, v, z) = (Single("x"), Single("v"), Single("z"));
        var sampler = GradientTests.Sampler("flow-sde");
        var old = sampler.Transition(x, v, Schedule, 3);
        var next = old.Next(z);
        var now = sampler.Transition(x, v * (1 + share), Schedule, 3);
        var then = new RecordedStep(3, x, next, old.LogProbability(next), old.Mean);
        // The exact ratios of the fp32 states and means as they are.
        var (state, before, after) = (next.to(float64), old.Mean.to(float64), now.Mean.to(float64));
        var squares = (state - before).square() - (state - after).square();
        var plain = squares.flatten(1).mean([1]) / (2 * now.Deviation * now.Deviation);
        var guarded = ((state - before) * (after - before)).flatten(1).mean([1]) / now.Deviation;
        Near(new PlainRatio().LogRatio(now, then), plain);
        Near(new GuardRatio(true).LogRatio(now, then), guarded);

        static Tensor Single(string name) => RandomKey.OfRun(11).For(name).Normal([2, 4, 16, 16], CPU);
        // Far below the narrowest clip range, 1e-5, and the ratios themselves.
        static void Near(Tensor actual, Tensor expected) => Assert.True((actual - expected).abs().max().item<double>() < 1e-12);
    }

    [Fact]
    public void Squared_errors_are_refused_at_the_first_step()
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = GradientTests.Sampler("cps") };
        var exception = Assert.Throws<FaultException>(() => run.Descend(Methods.Of("grpo-guard", run.Schedule.Steps)));
        Assert.Equal(FaultCodes.SettingsDoNotFit, exception.Fault.Code);
        Assert.Contains("grpo-guard", exception.Fault.Message, StringComparison.Ordinal);
        Assert.Contains("flow-sde", exception.Fault.Message, StringComparison.Ordinal);
    }

    /// <summary>A recorded step, and the same step under a policy whose velocity is larger by a share.</summary>
    private static (RecordedStep Then, Transition Now, Tensor Noise, Tensor Velocity) Moved(long seed, int step, bool dance, double share)
    {
        var key = RandomKey.OfRun(seed);
        Tensor Draw(string name) => key.For(name).Normal([2, 3, 2, 2], CPU).to(float64);
        var sampler = GradientTests.Sampler(dance ? "dance-sde" : "flow-sde");
        var (x, v, z) = (Draw("x"), Draw("v"), Draw("z"));
        var old = sampler.Transition(x, v, Schedule, step);
        var next = old.Next(z);
        var velocity = (v * (1 + share)).requires_grad_();
        return (new RecordedStep(step, x, next, old.LogProbability(next), old.Mean), sampler.Transition(x, velocity, Schedule, step), z, velocity);
    }
}
