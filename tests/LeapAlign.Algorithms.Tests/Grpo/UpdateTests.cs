using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>Several updates of one step: what is old, what the clip does, and what is left out.</summary>
public sealed class UpdateTests
{
    private static readonly string[] Diffusions = ["flow-grpo", "grpo-guard"];

    public static TheoryData<string> Ids => [.. Diffusions];

    [Theory]
    [InlineData(3, 1, new[] { 3 })]
    [InlineData(3, 2, new[] { 1, 2 })]
    [InlineData(4, 2, new[] { 2, 2 })]
    [InlineData(4, 4, new[] { 1, 1, 1, 1 })]
    public void Micro_batches_are_shared_out_among_the_updates(int batches, int updates, int[] sizes)
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = GradientTests.Sampler("flow-sde"), Groups = [.. Enumerable.Repeat((int[])[0, 0], batches)] };
        run.Descend(Methods.Of("flow-grpo", run.Schedule.Steps, updates));
        var trained = run.Schedule.Steps - 1;
        var objective = 0;
        foreach (var size in sizes)
        {
            for (var last = objective + (size * trained) - 1; objective <= last; objective++)
            {
                Assert.Equal(1.0 / (size * trained), run.Objectives[objective].Share, 1e-15);
                Assert.Equal(objective == last, run.Objectives[objective].EndsUpdate);
            }
        }
        Assert.Equal(objective, run.Objectives.Count);
        // All samples are drawn by the policy of the first update.
        Assert.Equal(batches * run.Schedule.Steps, run.Calls.TakeWhile(static call => !call.Gradient).Count());
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void After_an_update_ratios_compare_with_the_policy_of_the_rollout(string id)
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = GradientTests.Sampler("flow-sde"), Update = static run => SmallRun.Set(run.A, 0.75) };
        var method = Methods.Of(id, run.Schedule.Steps, updates: 2);
        run.Descend(method);
        var trained = method.Steps.Trained(run.Schedule.Steps);
        Assert.All(run.Objectives.Take(trained), static objective => Assert.All(RecordedTrainer.Measured(objective, "ratio").data<double>().ToArray(), static ratio => Assert.Equal(1, ratio)));
        using var step = run.Step();
        for (var index = 0; index < trained; index++)
        {
            // v_new − v_old = 0.15 x moves the mean by δ; log p − log p_old = mean_d(c z δ − δ²/2)/c², Guard's log ρ = mean_d z δ.
            var state = run.Calls.Single(call => call is { Batch: 1, Gradient: true } && call.Step == index).Latents;
            var (slope, c) = GradientTests.Slope(run, index);
            var z = method.DrawNoise(step.Batches[1], index).to(float64);
            var difference = state * (0.15 * slope);
            var logRatio = id == "grpo-guard" ? z * difference : ((z * difference * c) - (difference.square() / 2)) / (c * c);
            Agreement.Values(RecordedTrainer.Measured(run.Objectives[trained + index], "ratio"), logRatio.flatten(1).mean([1]).exp(), $"ratio of step {index}", 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Clipped_samples_leave_the_gradient(string id)
    {
        using var scope = NewDisposeScope();
        (double Gradient, double Clipped) Second(double clip)
        {
            var before = 0.0;
            var run = new SmallRun
            {
                Sampler = GradientTests.Sampler("flow-sde"),
                Update = run =>
                {
                    if (run.A.item<double>() == 0.6) before = run.Gradients.A;
                    SmallRun.Set(run.A, 0.75);
                },
            };
            var method = Methods.Of(id, run.Schedule.Steps, updates: 2);
            run.Descend(method with { Settings = With(method.Settings, clip) });
            var trained = run.Schedule.Steps - 1;
            return (run.Gradients.A - before, run.Objectives.Skip(trained).Average(static objective => RecordedTrainer.Measured(objective, "clip_fraction").mean().item<double>()));
        }
        var (free, none) = Second(1);
        var (held, some) = Second(1e-9);
        Assert.Equal(0, none);
        Assert.InRange(some, 0.1, 0.9);
        Assert.True(Math.Abs(free - held) > 1e-6);

        static GrpoSettings With(GrpoSettings settings, double clip) => settings switch
        {
            FlowGrpoSettings flow => flow with { ClipLow = clip, ClipHigh = clip },
            GrpoGuardSettings guard => guard with { ClipLow = clip, ClipHigh = clip },
            _ => throw new InvalidOperationException(),
        };
    }

    [Fact]
    public void A_micro_batch_without_advantages_costs_no_evaluation_and_counts_as_zero()
    {
        using var scope = NewDisposeScope();
        // The second micro-batch is a group of its own with equal rewards.
        static Tensor Reward(Tensor latents) => latents.shape[0] == 3 ? ones(3, dtype: float64) : latents.flatten(1).mean([1]);
        var run = new SmallRun { Sampler = GradientTests.Sampler("flow-sde"), Groups = [[0, 0, 1, 1], [2, 2, 2]], Reward = Reward };
        run.Descend(Methods.Of("flow-grpo", run.Schedule.Steps));
        var trained = run.Schedule.Steps - 1;
        Assert.Equal(trained, run.Objectives.Count);
        Assert.All(run.Objectives, objective => Assert.Equal(1.0 / (2 * trained), objective.Share, 1e-15));
        Assert.True(run.Objectives[^1].EndsUpdate);
        Assert.DoesNotContain(run.Calls, static call => call is { Batch: 1, Gradient: true });
    }

    [Fact]
    public void A_step_without_any_advantage_has_no_objective_unless_the_KL_term_has()
    {
        using var scope = NewDisposeScope();
        static Tensor Equal(Tensor latents) => ones(latents.shape[0], dtype: float64) / 3;
        var still = new SmallRun { Sampler = GradientTests.Sampler("flow-sde"), Reward = Equal }.Descend(Methods.Of("flow-grpo", 8));
        Assert.Empty(still.Objectives);
        var held = new SmallRun { Sampler = GradientTests.Sampler("flow-sde"), Reward = Equal }.Descend(Methods.Of("flow-grpo", 8, klWeight: 0.1));
        Assert.NotEmpty(held.Objectives);
    }

    [Fact]
    public void Tensors_alive_between_objectives_do_not_grow()
    {
        using var scope = NewDisposeScope();
        var run = new SmallRun { Sampler = GradientTests.Sampler("flow-sde") };
        using var step = run.Step();
        List<long> alive = [];
        using var objectives = new GrpoAlgorithm(Methods.Of("flow-grpo", run.Schedule.Steps)).Step(step).GetEnumerator();
        while (true)
        {
            using (NewDisposeScope())
            {
                if (!objectives.MoveNext()) break;
                (objectives.Current.Loss * objectives.Current.Share).backward();
            }
            // The test itself keeps the state of each call.
            alive.Add(TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount - run.Calls.Count);
        }
        Assert.True(alive.Count > 2);
        Assert.Single(alive.Skip(1).Distinct());
    }
}
