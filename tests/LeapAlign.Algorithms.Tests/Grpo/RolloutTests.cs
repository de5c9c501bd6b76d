using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>Which steps are random, from where they begin, and how often the network is asked.</summary>
public sealed class RolloutTests
{
    [Theory]
    [InlineData("flow-grpo-fast", "flow-sde")]
    [InlineData("flow-grpo-fast", "cps")]
    [InlineData("mix-grpo", "dance-sde")]
    public void Outside_its_window_a_path_takes_Euler_steps_to_the_bit(string id, string sampler)
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = GradientTests.Sampler(sampler), Groups = [[0, 0]] };
        var method = Methods.Of(id, run.Schedule.Steps);
        run.Descend(method);
        using var step = run.Step();
        var window = method.Steps.Choose(step, step.Batches[0]).Trained;
        var states = run.Calls.Where(static call => !call.Gradient).Select(static call => call.Latents).ToList();
        Assert.Equal(run.Schedule.Steps, states.Count);
        for (var index = 0; index < states.Count - 1; index++)
        {
            var velocity = (run.A * states[index]) + (run.B * run.Schedule.Sigma(index));
            var euler = RectifiedFlow.Leap(states[index], velocity, run.Schedule.Delta(index, index + 1));
            Assert.Equal(!window.Contains(index), euler.equal(states[index + 1]).all().item<bool>());
        }
    }

    [Theory]
    [InlineData("flow-grpo", 7, 0)]
    [InlineData("flow-grpo", 7, 0.1)]
    [InlineData("flow-grpo-fast", 3, 0)]
    [InlineData("flow-grpo-fast", 3, 0.1)]
    [InlineData("mix-grpo", 4, 0)]
    [InlineData("dance-grpo", 4, 0)]
    [InlineData("dance-grpo", 4, 0.1)]
    [InlineData("grpo-guard", 7, 0)]
    public void The_cost_is_N_without_gradient_and_one_with_it_for_each_trained_step(string id, int trained, double klWeight)
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = GradientTests.Sampler("dance-sde") };
        var method = Methods.Of(id, run.Schedule.Steps, updates: 2, klWeight);
        run.Descend(method);
        var steps = run.Schedule.Steps;
        var plain = (double)run.Calls.Count(static call => !call.Gradient) / run.Groups.Length;
        var gradient = (double)run.Calls.Count(static call => call.Gradient) / run.Groups.Length;
        Assert.Equal((steps + (klWeight > 0 ? trained : 0), trained), (plain, gradient));
        Assert.Equal(new(plain, gradient, 0), method.Cost(steps));
        Assert.Equal(klWeight > 0 ? trained * run.Groups.Length : 0, run.ReferenceCalls);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_group_shares_its_initial_noise_when_asked_to_wherever_its_samples_are(bool shared)
    {
        using var scope = NewDisposeScope();
        int[][] groups = [[0, 1, 2], [2, 0, 1]];
        var settings = new DanceGrpoSettings { SharedNoise = shared };
        List<(int Group, Tensor State)> States(int index)
        {
            var run = new SmallRun { Sampler = GradientTests.Sampler("dance-sde"), Groups = groups };
            run.Descend(GrpoMethod.DanceGrpo(settings), index);
            return [.. run.Calls.Where(static call => call is { Step: 0, Gradient: false }).SelectMany(call => groups[call.Batch].Select((group, sample) => (group, call.Latents[sample])))];
        }
        var first = States(0);
        foreach (var (group, state) in first)
        {
            foreach (var (otherGroup, other) in first.Where(other => !ReferenceEquals(other.State, state)))
                Assert.Equal(shared && group == otherGroup, state.equal(other).all().item<bool>());
        }
        Assert.False(first[0].State.equal(States(1)[0].State).all().item<bool>());
    }

    [Fact]
    public void The_samples_of_a_group_with_one_initial_state_differ_by_the_noise_of_the_steps()
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = GradientTests.Sampler("dance-sde"), Groups = [[0, 0]] };
        run.Descend(Methods.Of("dance-grpo", run.Schedule.Steps));
        var second = run.Calls.Single(static call => call is { Step: 1, Gradient: false }).Latents;
        Assert.False(second[0].equal(second[1]).any().item<bool>());
    }
}
