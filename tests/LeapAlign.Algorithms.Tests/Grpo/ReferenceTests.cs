using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Samplers.FlowSde;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>One rollout and one update of the published trainer on a small SD3 transformer.</summary>
public sealed class ReferenceTests
{
    private const string After = "model-after-one-update";

    public static TheoryData<string> Cases() => [.. RecordedTrainer.Cases("flow-grpo", "flow-grpo-fast")];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_recorded_transition_is_sampled_and_replayed(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var policy = new RecordedPolicy(name, After);
        var (recorded, schedule, network) = (policy.Recorded, policy.Schedule, policy.Sampling.Network());
        for (var step = 0; step < policy.Steps; step++)
        {
            var state = recorded[$"state.{step}"];
            var transition = Sampler(policy).Transition(state, network(state, [schedule.Sigma(step)]), schedule, step);
            var next = recorded[$"state.{step + 1}"];
            Agreement.Values(transition.Next(recorded[$"noise.{step}"]), next, $"state {step + 1}");
            var trained = step < policy.Sampling.Options.GetProperty("trained").GetInt32();
            Close(transition.LogProbability(next), recorded[$"logp.{step}"].to(float64).data<double>().ToArray(), trained ? 1e-6 : 1e-5, $"log-prob of step {step}");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_rollout_passes_the_recorded_states(string name)
    {
        using var scope = NewDisposeScope();
        using var policy = new RecordedPolicy(name, After);
        foreach (var _ in Algorithm(policy).Step(policy.Step(Sampler(policy)))) break;
        var states = policy.Calls.Where(static call => !call.Gradient).Select(static call => call.Latents).Append(policy.Sample!).ToList();
        Assert.Equal(policy.Steps + 1, states.Count);
        for (var step = 0; step < states.Count; step++) Agreement.Values(states[step], policy.Recorded[$"state.{step}"], $"state {step}");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_update_has_the_recorded_ratios_losses_and_gradients(string name)
    {
        using var scope = NewDisposeScope();
        using var policy = new RecordedPolicy(name, After);
        using var step = policy.Step(Sampler(policy));
        List<Objective> objectives = [];
        foreach (var objective in Algorithm(policy).Step(step))
        {
            (objective.Loss * objective.Share).backward();
            objectives.Add(objective);
        }
        var expected = policy.Sampling.Expected.GetProperty("per_step").EnumerateArray().ToList();
        Assert.Equal(policy.Sampling.Options.GetProperty("trained").GetInt32(), objectives.Count);
        Assert.Equal(expected.Count, objectives.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            Close(RecordedTrainer.Measured(objectives[i], "ratio"), Numbers(expected[i].GetProperty("ratio")), 1e-6, $"ratio of step {i}");
            Close(objectives[i].Loss.detach().reshape(1), [expected[i].GetProperty("loss").GetDouble()], 1e-6, $"loss of step {i}");
        }
        policy.Trained.CompareGradients();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_updated_policy_gives_the_recorded_log_probabilities(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var policy = new RecordedPolicy(name, After);
        var (schedule, network) = (policy.Schedule, policy.Trained.Network());
        var step = 0;
        foreach (var expected in policy.Sampling.Expected.GetProperty("per_step").EnumerateArray())
        {
            var state = policy.Recorded[$"state.{step}"];
            var transition = Sampler(policy).Transition(state, network(state, [schedule.Sigma(step)]), schedule, step);
            Close(transition.LogProbability(policy.Recorded[$"state.{step + 1}"]), Numbers(expected.GetProperty("logp")), 1e-6, $"log-prob of step {step}");
            step++;
        }
        Assert.True(step > 0);
    }

    [Fact]
    public void There_are_recorded_cases() => Assert.NotEmpty(Cases());

    private static FlowSdeSampler Sampler(RecordedPolicy policy) => new(new FlowSdeSettings { NoiseLevel = policy.Sampling.Number("noise_level", 0.7) });

    private static GrpoAlgorithm Algorithm(RecordedPolicy policy)
    {
        var clip = policy.Sampling.Number("clip", 1e-4);
        var advantages = policy.Recorded["advantage"].to(float64).data<double>().ToArray();
        return new(GrpoMethod.FlowGrpo(new FlowGrpoSettings { ClipLow = clip, ClipHigh = clip, KlWeight = 0, Updates = 1 }) with
        {
            DrawNoise = (_, step) => policy.Recorded[$"noise.{step}"],
            Advantages = (_, _) => [advantages],
        });
    }

    private static double[] Numbers(System.Text.Json.JsonElement numbers) => [.. numbers.EnumerateArray().Select(static number => number.GetDouble())];

    private static void Close(Tensor actual, double[] expected, double tolerance, string what)
    {
        var values = actual.to(float64).data<double>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        var difference = expected.Zip(values).Max(static pair => Math.Abs(pair.First - pair.Second));
        Assert.True(difference <= tolerance, $"{what}: differs by {difference:G4}, allowed {tolerance:G4}");
    }
}
