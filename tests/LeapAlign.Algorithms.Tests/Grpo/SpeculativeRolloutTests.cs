using LeapAlign.Contracts.Samplers;
using LeapAlign.Samplers.FlowSde;
using LeapAlign.Samplers.FlowSde.Speculative;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>Group-relative policy gradient on rollouts whose steps were drafted.</summary>
public sealed class SpeculativeRolloutTests
{
    [Theory]
    [InlineData("flow-grpo")]
    [InlineData("mix-grpo")]
    [InlineData("dance-grpo")]
    [InlineData("grpo-guard")]
    public void Trained_steps_are_those_of_the_policy_and_ratios_begin_at_one(string id)
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = new SpeculativeSampler(new SpeculativeSettings()) };
        run.Descend(Methods.Of(id, run.Schedule.Steps));
        Assert.NotEmpty(run.Objectives);
        foreach (var objective in run.Objectives)
        {
            var ratio = objective.Measurements.Single(static measured => measured.Name == "ratio").Value;
            Assert.True((ratio - 1).abs().max().item<double>() < 1e-12);
            Assert.Contains(objective.Measurements, static measured => measured.Name == "target_calls");
        }
        // Each trained step is differentiated where the rollout was: its state is one that the policy was evaluated at.
        var visited = run.Calls.Where(static call => !call.Gradient).SelectMany(static call => Enumerable.Range(0, (int)call.Latents.shape[0]).Select(sample => call.Latents[sample])).ToList();
        foreach (var call in run.Calls.Where(static call => call.Gradient))
            Assert.All(Enumerable.Range(0, (int)call.Latents.shape[0]), sample => Assert.Contains(visited, state => state.equal(call.Latents[sample]).all().item<bool>()));
    }

    [Fact]
    public void The_gradient_is_that_of_the_samples_it_reached()
    {
        using var scope = NewDisposeScope();
        // A sample's reward is a sum: with samples of the same law the expected gradient is that of the plain sampler, over many groups.
        static (double A, double B) Of(IStochasticSampler sampler)
        {
            var run = new SmallRun { Sampler = sampler, Groups = [.. Enumerable.Range(0, 40).Select(static _ => new[] { 0, 0, 0, 0, 0, 0, 0, 0 })] };
            run.Descend(Methods.Of("flow-grpo", run.Schedule.Steps));
            return run.Gradients;
        }
        var (plain, drafted) = (Of(new FlowSdeSampler(new FlowSdeSettings())), Of(new SpeculativeSampler(new SpeculativeSettings())));
        // That of b: a's has more noise than the bar leaves to it.
        Assert.Equal(1, drafted.B / plain.B, 0.1);
    }
}
