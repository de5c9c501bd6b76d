using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Groups;
using LeapAlign.Samplers.FlowSde;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>What a step descends, against derivatives worked out by hand from the states and the noise.</summary>
public sealed class GradientTests
{
    [Theory]
    [InlineData("flow-grpo", "flow-sde")]
    [InlineData("flow-grpo", "dance-sde")]
    [InlineData("flow-grpo", "cps")]
    [InlineData("flow-grpo-fast", "cps")]
    [InlineData("mix-grpo", "dance-sde")]
    [InlineData("dance-grpo", "dance-sde")]
    [InlineData("grpo-guard", "flow-sde")]
    public void The_first_update_is_REINFORCE_with_the_score_of_the_noise(string id, string samplerId)
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = Sampler(samplerId) };
        var method = Methods.Of(id, run.Schedule.Steps);
        run.Descend(method);
        var advantages = Advantages(run, method);
        var (a, b) = (0.0, 0.0);
        using var step = run.Step();
        foreach (var (batch, index, _, latents) in run.Calls.Where(static call => call.Gradient))
        {
            // ∂log ρ/∂v = factor · z / D: the score for a density, twice c for the squared error; Guard's ratio is mean_d z δ.
            var (slope, deviation) = Slope(run, index);
            var factor = id == "grpo-guard" ? -1 / run.Schedule.Delta(index, index + 1) : samplerId == "cps" ? 2 * deviation : 1 / deviation;
            var z = method.DrawNoise(step.Batches[batch], index).to(float64);
            var descent = z * tensor(advantages[batch]).reshape(-1, 1, 1, 1) * (-factor * slope / (z.numel() / z.shape[0]));
            a += (descent * latents).sum().item<double>() / z.shape[0];
            b += descent.sum().item<double>() * run.Schedule.Sigma(index) / z.shape[0];
        }
        var count = run.Groups.Length * method.Steps.Trained(run.Schedule.Steps);
        Assert.Equal(count, run.Objectives.Count);
        Assert.Equal(a / count, run.Gradients.A, 1e-12);
        Assert.Equal(b / count, run.Gradients.B, 1e-12);
        Assert.True(Math.Abs(run.Gradients.A) > 1e-6);
    }

    [Fact]
    public void Guards_gradient_is_that_of_flow_grpo_times_the_deviation_of_the_step()
    {
        using var scope = NewDisposeScope();
        double Gradient(PolicyRatio ratio, int trained)
        {
            var run = new SmallRun { Sampler = Sampler("flow-sde") };
            var settings = new FlowGrpoSettings { KlWeight = 0, Updates = 1 };
            return run.Descend(new GrpoMethod("one step", settings, new OneStep(trained), ratio)).Gradients.A;
        }
        foreach (var step in (int[])[0, 3, 6])
        {
            var (_, deviation) = Slope(new SmallRun { Sampler = Sampler("flow-sde") }, step);
            var plain = Gradient(new PlainRatio(), step);
            var delta = new SmallRun { Sampler = Sampler("flow-sde") }.Schedule.Delta(step, step + 1);
            Assert.Equal(plain * deviation, Gradient(new GuardRatio(reweight: false), step), 1e-12);
            Assert.Equal(plain * deviation / -delta, Gradient(new GuardRatio(reweight: true), step), 1e-12);
        }
    }

    [Fact]
    public void A_group_is_compared_across_micro_batches()
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = Sampler("flow-sde"), Groups = [[0, 1, 2], [2, 0, 1], [1, 2, 0]] };
        run.Descend(Methods.Of("flow-grpo", run.Schedule.Steps));
        var advantages = run.Objectives.GroupBy(static objective => objective.Share).Single().Chunk(run.Schedule.Steps - 1)
            .SelectMany(static chunk => RecordedTrainer.Measured(chunk[0], "advantage").data<double>().ToArray()).ToArray();
        var groups = run.Groups.SelectMany(static group => group).ToArray();
        foreach (var group in groups.Distinct()) Assert.Equal(0, advantages.Where((_, sample) => groups[sample] == group).Sum(), 1e-9);
        Assert.All(advantages, static advantage => Assert.NotEqual(0, advantage));
    }

    /// <summary>∂μ/∂v and c of a step, by the linearity of the step.</summary>
    internal static (double Slope, double Deviation) Slope(SmallRun run, int step)
    {
        var (zero, one) = (zeros(1, 1, dtype: float64), ones(1, 1, dtype: float64));
        var at = run.Sampler.Transition(zero, zero, run.Schedule, step);
        return (run.Sampler.Transition(zero, one, run.Schedule, step).Mean.item<double>() - at.Mean.item<double>(), at.Deviation);
    }

    internal static IStochasticSampler Sampler(string id) => id switch
    {
        "flow-sde" => new FlowSdeSampler(new FlowSdeSettings()),
        "dance-sde" => new DanceSdeSampler(new DanceSdeSettings()),
        _ => new CpsSampler(new CpsSettings()),
    };

    private static double[][] Advantages(SmallRun run, GrpoMethod method)
    {
        var trained = method.Steps.Trained(run.Schedule.Steps);
        var rewards = run.Objectives.Chunk(trained).SelectMany(static chunk => RecordedTrainer.Measured(chunk[0], "reward").data<double>().ToArray()).ToArray();
        var all = GroupAdvantages.Of([.. run.Groups.SelectMany(static group => group)], [new WeightedRewards(1, rewards)], method.Settings);
        return [.. all.Chunk(run.Groups[0].Length)];
    }

    private sealed class OneStep(int trained) : Steps.IStepChoice
    {
        public Steps.ChosenSteps Choose(AlignmentStep step, MicroBatch batch) => Steps.ChosenSteps.Window(trained, 1);

        public int Trained(int steps) => 1;

        public Pipeline.Result<IReadOnlyList<int>> Trainable(int steps) => Pipeline.Result.Ok<IReadOnlyList<int>>([trained]);
    }
}
