using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Samplers.FlowSde;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>Before the first update the policy is that of the rollout: on a real network, in fp32, to the last bit.</summary>
public sealed class OnPolicyTests
{
    public static TheoryData<string, string> Compositions()
    {
        TheoryData<string, string> all = [];
        foreach (var id in Methods.Ids)
        {
            foreach (var sampler in (string[])["flow-sde", "dance-sde", "cps"])
            {
                if (id != "grpo-guard" || sampler != "cps") all.Add(id, sampler);
            }
        }
        return all;
    }

    [Theory]
    [MemberData(nameof(Compositions))]
    public void Every_ratio_is_exactly_one_and_every_state_that_of_the_rollout(string id, string samplerId)
    {
        using var scope = NewDisposeScope();
        using var policy = Policy();
        using var step = policy.Step(Sampler(samplerId));
        var advantages = Enumerable.Range(0, step.Batches[0].Prompts.Count).Select(static sample => sample - 0.5).ToArray();
        var method = Methods.Of(id, policy.Steps) with { Advantages = (_, _) => [advantages] };
        var objectives = new GrpoAlgorithm(method).Step(step).ToList();

        Assert.Equal(method.Steps.Trained(policy.Steps), objectives.Count);
        foreach (var objective in objectives)
        {
            Assert.All(RecordedTrainer.Measured(objective, "ratio").data<double>().ToArray(), static ratio => Assert.Equal(1.0, ratio));
            Assert.All(RecordedTrainer.Measured(objective, "clip_fraction").data<double>().ToArray(), static clipped => Assert.Equal(0.0, clipped));
        }
        var rolled = policy.Calls.Where(static call => !call.Gradient).ToDictionary(static call => call.Sigma, static call => call.Latents);
        foreach (var (_, sigma, latents) in policy.Calls.Where(static call => call.Gradient)) Assert.True(Same(rolled[sigma], latents), $"state at σ = {sigma}");
    }

    [Theory]
    [MemberData(nameof(Compositions))]
    public void Recorded_transitions_replay_to_the_bit(string id, string samplerId)
    {
        using var scope = NewDisposeScope();
        using var policy = Policy();
        var sampler = Sampler(samplerId);
        using var step = policy.Step(sampler);
        var (batch, method) = (step.Batches[0], Methods.Of(id, policy.Steps));
        var chosen = method.Steps.Choose(step, batch);
        var rollout = new Rollout(step, batch, chosen, method);
        var sample = rollout.Roll(batch.Noise);
        var states = policy.Calls.Select(static call => call.Latents).Append(sample).ToList();
        Assert.Equal(chosen.Trained, rollout.Recorded.Select(static recorded => recorded.Index));
        foreach (var recorded in rollout.Recorded)
        {
            var index = recorded.Index;
            Assert.True(Same(states[index], recorded.State) && Same(states[index + 1], recorded.Next), $"states of step {index}");
            var transition = sampler.Transition(recorded.State, batch.Velocity(recorded.State, index), batch.Schedule, index);
            Assert.True(Same(transition.Next(method.DrawNoise(batch, index)), recorded.Next), $"replay of step {index}");
            Assert.True(Same(transition.LogProbability(recorded.Next), recorded.LogProbability), $"log-probability of step {index}");
            Assert.Equal(method.Ratio.UsesMean, recorded.Mean is not null);
            Assert.False(recorded.LogProbability.requires_grad);
        }
    }

    [Fact]
    public void The_noise_of_a_step_is_that_of_its_number()
    {
        using var scope = NewDisposeScope();
        using var policy = Policy();
        var batch = policy.Batch(Sampler("flow-sde"));
        var draw = GrpoMethod.FlowGrpo(new FlowGrpoSettings()).DrawNoise;
        Assert.True(Same(draw(batch, 1), draw(batch, 1)));
        Assert.False(Same(draw(batch, 1), draw(batch, 2)));
        Assert.True(Same(draw(batch, 1), batch.Normal("sde", 1)));
    }

    private static RecordedPolicy Policy() => new(RecordedTrainer.Cases("flow-grpo")[0], "model");

    private static IStochasticSampler Sampler(string id) => id switch
    {
        "flow-sde" => new FlowSdeSampler(new FlowSdeSettings()),
        "dance-sde" => new DanceSdeSampler(new DanceSdeSettings()),
        _ => new CpsSampler(new CpsSettings()),
    };

    private static bool Same(Tensor left, Tensor right) => left.equal(right).all().item<bool>();
}
