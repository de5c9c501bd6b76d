using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Samplers.FlowEuler;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Tests;

/// <summary>Whole paths.</summary>
public sealed class RollTests
{
    public static TheoryData<string> All => StepTests.All;

    [Theory]
    [MemberData(nameof(All))]
    public void A_path_without_noise_is_that_of_flow_euler_to_the_bit(string id)
    {
        using var scope = NewDisposeScope();
        var path = new SamplingPath(Sigmas.Explicit(8, 3), static (latents, step) => latents.sin() * (1 + step));
        var noise = RandomKey.OfRun(3).Normal([2, 3, 4], CPU);
        var expected = new FlowEulerSampler(new FlowEulerSettings()).Roll(noise, path);
        Assert.True(expected.equal(StepTests.Sampler(id, 0.7).Roll(noise, path)).all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Steps_without_noise_in_between_are_Euler_steps_to_the_bit_and_the_others_replay_to_the_bit(string id)
    {
        using var scope = NewDisposeScope();
        var sampler = StepTests.Sampler(id, 0.7);
        List<Tensor> states = [];
        var path = new SamplingPath(Sigmas.Explicit(8, 3), (latents, step) =>
        {
            states.Add(latents.detach());
            return latents.sin() * (1 + step);
        })
        { Noise = static step => step is 2 or 3 or 6 ? Noise(step) : null };
        states.Add(sampler.Roll(RandomKey.OfRun(3).Normal([2, 3, 4], CPU), path));
        for (var step = 0; step < path.Schedule.Steps; step++)
        {
            var velocity = states[step].sin() * (1 + step);
            using var noise = path.Noise(step);
            var expected = noise is null
                ? RectifiedFlow.Leap(states[step], velocity, path.Schedule.Delta(step, step + 1))
                : sampler.Transition(states[step], velocity, path.Schedule, step).Next(noise);
            Assert.True(expected.equal(states[step + 1]).all().item<bool>(), $"step {step}");
        }

        static Tensor Noise(int step) => RandomKey.OfRun(4).For("z", step).Normal([2, 3, 4], CPU);
    }

    [Theory]
    [InlineData("flow-sde", 200, 0.02)]
    [InlineData("dance-sde", 200, 0.02)]
    [InlineData("cps", 3, 0.01)]
    public void Marginals_stay_those_of_the_interpolation(string id, int steps, double tolerance)
    {
        // x_0 is always the same picture, so that the exact velocity is (x − x_0)/σ and x_σ is normal with mean (1−σ) x_0 and deviation σ.
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        const double data = 1.7, first = 0.9, last = 0.3;
        const int samples = 100_000;
        var schedule = new Schedule([.. Enumerable.Range(0, steps + 1).Select(step => first + ((last - first) * step / steps)), 0]);
        var key = RandomKey.OfRun(11);
        var start = (key.For("x").Normal([samples], CPU) * first) + ((1 - first) * data);
        var end = StepTests.Sampler(id, 0.8).Roll(start, new SamplingPath(schedule, (latents, step) => (latents - data) / schedule.Sigma(step))
        {
            To = steps,
            Noise = step => key.For("z", step).Normal([samples], CPU),
        }).to(float64);
        Assert.Equal((1 - last) * data, end.mean().item<double>(), tolerance);
        Assert.Equal(last, end.std().item<double>(), tolerance * last);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Tensors_alive_do_not_grow_with_the_number_of_steps(string id)
    {
        Assert.Equal(PeakTensors(10), PeakTensors(40));

        long PeakTensors(int steps)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            long peak = 0;
            StepTests.Sampler(id, 0.7).Roll(ones(2, 3, dtype: float64), new SamplingPath(Sigmas.Explicit(steps, 1), (latents, _) =>
            {
                peak = Math.Max(peak, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
                return latents.neg();
            })
            { Noise = static _ => ones(2, 3) });
            return peak - scope.DisposablesCount;
        }
    }

    [Fact]
    public void Dance_has_its_own_schedule()
    {
        var scheduling = new FlowScheduling { Shift = 3 };
        Assert.Equal(Sigmas.Dance(16, 3), new DanceSdeSampler(new DanceSdeSettings()).CreateSchedule(scheduling));
        Assert.Equal(Sigmas.Explicit(10, 3), new FlowSdeSampler(new FlowSdeSettings()).CreateSchedule(scheduling));
        Assert.Equal(Sigmas.Explicit(6, 3), new CpsSampler(new CpsSettings()).CreateSchedule(scheduling, 6));
    }
}
