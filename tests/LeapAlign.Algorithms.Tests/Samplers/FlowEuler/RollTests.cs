using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowEuler.Tests;

public sealed class RollTests
{
    private static readonly FlowEulerSampler Sampler = new(new FlowEulerSettings());

    [Fact]
    public void A_constant_velocity_is_integrated_exactly()
    {
        using var scope = NewDisposeScope();
        var noise = RandomKey.OfRun(1).Normal([2, 3, 4, 4], CPU).to(float64);
        var slope = RandomKey.OfRun(2).Normal([2, 3, 4, 4], CPU).to(float64);
        var end = Sampler.Roll(noise, new SamplingPath(Sigmas.Explicit(7, 3), (_, _) => slope.alias()));
        Agreement.Values(end, noise - slope, "final sample", 1e-12);
    }

    [Fact]
    public void The_scalar_oracle_is_reproduced()
    {
        using var scope = NewDisposeScope();
        double[] states = [1.5, 1.4, 1.244, 1.08008];
        List<double> seen = [];
        var schedule = new Schedule([1, 0.8, 0.5, 0.2, 0]);
        var end = Sampler.Roll(tensor(new[] { 1.5 }), new SamplingPath(schedule, (latents, step) =>
        {
            seen.Add(latents.item<double>());
            return (latents * 0.6) + (-0.4 * schedule.Sigma(step));
        }));
        Assert.All(states.Zip(seen), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal(0.9664704, end.item<double>(), 1e-12);
    }

    [Fact]
    public void Gradients_pass_through_every_step_when_they_are_on()
    {
        using var scope = NewDisposeScope();
        var factor = tensor(0.5, dtype: float64).requires_grad_();
        const int steps = 6;
        var end = Sampler.Roll(ones(1, dtype: float64), new SamplingPath(Sigmas.Explicit(steps, 1), (latents, _) => latents * factor));
        end.sum().backward();
        // x_N = (1 − a/N)^N, so dx_N/da = −(1 − a/N)^(N−1).
        Assert.Equal(-Math.Pow(1 - (0.5 / steps), steps - 1), factor.grad!.item<double>(), 1e-12);
    }

    [Fact]
    public void A_piece_of_the_path_ends_at_its_own_noise_level()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var noise = RandomKey.OfRun(3).Normal([2, 3], CPU);
        var path = new SamplingPath(Sigmas.Explicit(6, 3), static (latents, step) => latents * (step + 1));
        var whole = Sampler.Roll(noise, path);
        var pieces = Sampler.Roll(Sampler.Roll(noise, path with { To = 2 }), path with { From = 2 });
        Assert.True(whole.equal(pieces).all().item<bool>());
        Assert.True(Sampler.Roll(noise, path with { From = 4, To = 4 }).equal(noise).all().item<bool>());
    }

    [Fact]
    public void Tensors_alive_do_not_grow_with_the_number_of_steps()
    {
        Assert.Equal(PeakTensors(10), PeakTensors(40));

        static long PeakTensors(int steps)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            long peak = 0, before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
            Sampler.Roll(ones(2, 3), new SamplingPath(Sigmas.Explicit(steps, 1), (latents, _) =>
            {
                peak = Math.Max(peak, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
                return latents.neg();
            }));
            return peak - before;
        }
    }
}
