using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Samplers.FlowEuler;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>The exact gradient in constant memory: what is evaluated when, and what is alive meanwhile.</summary>
public sealed class SweepTests
{
    [Fact]
    public void Memory_grows_by_the_states_alone()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(30, Run(40).PeakTensors - Run(10).PeakTensors);
    }

    [Fact]
    public void Each_backward_has_the_graph_of_one_step()
    {
        using var scope = NewDisposeScope();
        const int steps = 7;
        var calls = Run(steps).Calls;
        Assert.Equal(
            [.. Enumerable.Range(0, steps).Select(static step => (step, false, 0)), .. Enumerable.Range(1, steps).Select(static objective => (steps - objective, true, objective))],
            calls);
    }

    [Fact]
    public void The_states_of_a_batch_are_gone_when_the_next_begins()
    {
        using var scope = NewDisposeScope();
        const int steps = 12;
        var (one, four) = (Run(steps), new CurvedNetwork { Schedule = Sigmas.Explicit(steps, 2), Batches = 4 });
        four.Descend(Given.Full());
        Assert.InRange(four.PeakTensors - one.PeakTensors, 0, steps / 2);
    }

    [Fact]
    public void Only_the_first_objective_has_a_value_and_a_reward()
    {
        using var scope = NewDisposeScope();
        var network = Run(6);
        Assert.Equal(2, network.Rewards.Count);
        Assert.Equal(network.Rewards.Average(static reward => 50 - reward), network.Loss, 1e-12);
    }

    [Fact]
    public void The_gradient_is_exact_for_any_sampler_of_single_steps()
    {
        using var scope = NewDisposeScope();
        var network = new CurvedNetwork { Sampler = new HeldEnds() };
        var nested = network.Descend(Given.Draft(network.Schedule.Steps));
        var swept = new CurvedNetwork { Sampler = new HeldEnds() }.Descend(Given.Full());
        Assert.True(Given.Distance(nested, swept) <= 1e-12 * Given.Norm(nested));
        Assert.True(Given.Distance(nested, new CurvedNetwork().Descend(Given.Full())) > 1e-3 * Given.Norm(nested));
    }

    private static CurvedNetwork Run(int steps)
    {
        var network = new CurvedNetwork { Schedule = Sigmas.Explicit(steps, 2) };
        network.Descend(Given.Full());
        return network;
    }

    /// <summary>A sampler whose steps are not Euler's: the state decays on the way.</summary>
    private sealed class HeldEnds : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => new FlowEulerSettings().Create(scheduling, steps);

        public Tensor Roll(Tensor latents, SamplingPath path) => SamplerFold.Over(
            latents, path, (state, velocity, step) => (state * 0.9) + (velocity * velocity * path.Schedule.Delta(step, step + 1)));
    }
}
