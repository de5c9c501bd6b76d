using LeapAlign.Algorithms.Direct;
using LeapAlign.Algorithms.Grpo;
using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>What the kernel promises an algorithm: backward, shares, updates, groups, lagged policies, several rewards.</summary>
public sealed class StepTests
{
    [Fact]
    public void Weights_change_at_the_end_of_each_update_and_not_before()
    {
        List<float> seen = [];
        using var run = new ScriptedRun(new RunSettings { Steps = 1, Batch = 2 }, (step, weight) =>
        {
            return Objectives();

            IEnumerable<Objective> Objectives()
            {
                for (var i = 0; i < 4; i++)
                {
                    seen.Add(weight.detach().sum().item<float>());
                    var objective = new Objective(weight.sum());
                    yield return i % 2 == 1 ? objective.Updating() : objective;
                }
                seen.Add(weight.detach().sum().item<float>());
            }
        });
        var report = run.Step();
        Assert.Equal(2, report.Updates);
        Assert.Equal(seen[0], seen[1]);
        Assert.NotEqual(seen[1], seen[2]);
        Assert.Equal(seen[2], seen[3]);
        Assert.NotEqual(seen[3], seen[4]);
    }

    [Theory]
    [InlineData(0.999, false)]
    [InlineData(0.999, true)]
    [InlineData(0.5, true)]
    public void The_average_follows_every_update_by_its_decay_and_by_the_number_of_updates_where_it_warms_up(double decay, bool warmUp)
    {
        // After each of the five updates of three steps.
        List<Tensor> weights = [];
        using var scope = NewDisposeScope();
        Tensor Now(Tensor weight) => weight.detach().to(float64, copy: true).MoveToOtherDisposeScope(scope);
        using var run = new ScriptedRun(new RunSettings { Steps = 3, Batch = 2, Ema = decay, EmaWarmup = warmUp }, (step, weight) =>
        {
            return Objectives();

            IEnumerable<Objective> Objectives()
            {
                for (var i = 0; i < (step.Index == 1 ? 1 : 2); i++)
                {
                    yield return new Objective((weight * (weights.Count + 1)).sum()).Updating();
                    weights.Add(Now(weight));
                }
            }
        });
        var expected = run.Weight.detach().to(float64, copy: true);
        for (var i = 0; i < 3; i++) run.Step();
        Assert.Equal(5, weights.Count);
        for (var n = 0; n < weights.Count; n++)
        {
            var kept = warmUp ? Math.Min(decay, (1.0 + n) / (10.0 + n)) : decay;
            expected = (expected * kept) + (weights[n] * (1 - kept));
        }
        Assert.True((weights[^1] - weights[0]).abs().min().item<double>() > 0);
        Assert.True((run.Average.to(float64) - expected).abs().max().item<double>() < 1e-7);
    }

    [Fact]
    public void Shares_scale_losses_and_gradients()
    {
        static StepReport Take(double share)
        {
            using var run = new ScriptedRun(new RunSettings { Steps = 1, Batch = 2, ClipNorm = 1e9 }, (_, weight) => [new Objective((weight * weight).sum() + 1).Times(share), new Objective((weight * weight).sum() + 1).Times(share)]);
            return run.Step();
        }
        var (whole, half) = (Take(1), Take(0.5));
        Assert.Equal(whole.Loss / 2, half.Loss, 1e-5);
        Assert.Equal(whole.GradientNorm / 2, half.GradientNorm, 1e-5);
    }

    [Fact]
    public void A_step_without_an_objective_changes_nothing()
    {
        using var run = new ScriptedRun(new RunSettings { Steps = 1, Batch = 2 }, static (_, _) => []);
        using var before = run.Weight.detach().clone();
        Assert.Equal(0, run.Step().Updates);
        Assert.True(run.Weight.equal(before).all().item<bool>());
    }

    [Fact]
    public void Samples_of_a_group_share_a_prompt_across_micro_batches_and_have_noise_of_their_own()
    {
        List<int> prompts = [];
        var noises = 0;
        using var run = new ScriptedRun(new RunSettings { Steps = 2, Batch = 2, Accumulation = 3, Group = 3 }, (step, weight) => step.Average(batch =>
        {
            prompts.AddRange(batch.Prompts.Select(static prompt => prompt.Id));
            Assert.False(batch.Noise[0].equal(batch.Noise[1]).all().item<bool>());
            noises += (int)batch.Noise.shape[0];
            return new Objective(weight.sum());
        }));
        run.Step();
        run.Step();
        Assert.Equal(12, noises);
        Assert.Equal([3, 3, 3, 3], prompts.GroupBy(static id => id).Select(static group => group.Count()));
        for (var i = 0; i < prompts.Count; i++) Assert.Equal(prompts[i / 3 * 3], prompts[i]);
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(2, 4)]
    [InlineData(1, 8)]
    public void A_sample_has_the_same_noise_in_whatever_micro_batch_it_is(int batch, int accumulation)
    {
        using var scope = NewDisposeScope();
        var (whole, cut) = (Drawn(8, 1), Drawn(batch, accumulation));
        Assert.Equal(whole.Keys.Order(), cut.Keys.Order());
        Assert.All(whole, drawn => Assert.True(drawn.Value.equal(cut[drawn.Key]).all().item<bool>(), drawn.Key));
        // Two steps of 8 samples, each of which is drawn for, in each of these ways.
        var all = stack([.. whole.Values]).flatten(1);
        Assert.Equal(2 * 8 * 6, all.shape[0]);
        Assert.Equal(all.shape[0], all.unique(dim: 0).output.shape[0]);
    }

    [Fact]
    public void Lagged_policies_follow_their_decay_and_the_reference_stays()
    {
        List<(double Policy, double Half, double Copy, double Reference)> seen = [];
        MicroBatch? first = null;
        using var noise = Contracts.Randomness.RandomKey.OfRun(1).Normal([2, 4, 16, 16], CPU);
        PolicyCopy[] copies = [new("half", static _ => 0.5), new("copy", static step => step == 0 ? 1 : 0)];
        using var run = new ScriptedRun(
            new RunSettings { Steps = 3, Batch = 2, Reference = true },
            (step, weight) =>
            {
                using var gradients = no_grad();
                double Network(string? policy)
                {
                    using var used = policy is null ? null : step.Use(policy);
                    return (first ??= step.Batches[0]).Network(noise, [0.5]).to(float64).sum().item<double>();
                }
                seen.Add((Network(null), Network("half"), Network("copy"), Network(PolicyCopy.Reference)));
                using var on = enable_grad();
                return [new Objective(weight.sum() * 100)];
            },
            copies);
        for (var i = 0; i < 3; i++) run.Step();
        Assert.Equal(seen[0].Policy, seen[0].Reference);
        Assert.Equal(seen[0].Policy, seen[0].Half);
        Assert.NotEqual(seen[1].Policy, seen[0].Policy);
        // After step 0 "copy" stayed, after step 1 it is the policy; "half" lies in the middle, since the one weight that changes is that of the last layer, in which the sum is linear.
        Assert.Equal(seen[0].Policy, seen[1].Copy);
        Assert.Equal(seen[2].Policy, seen[2].Copy);
        Assert.Equal((seen[0].Policy + seen[1].Policy) / 2, seen[1].Half, 0.05 * Math.Abs(seen[1].Policy - seen[0].Policy));
        Assert.All(seen, now => Assert.Equal(seen[0].Reference, now.Reference));
    }

    [Fact]
    public void Some_samples_alone_cost_their_share_and_give_the_same_velocities()
    {
        using var run = new ScriptedRun(new RunSettings { Steps = 1, Batch = 4 }, (step, weight) =>
        {
            using (no_grad())
            {
                var batch = step.Batches[0];
                var all = batch.Network(batch.Noise, [0.5]);
                var some = batch.Select([3, 1]);
                Assert.Equal([batch.Prompts[3].Id, batch.Prompts[1].Id], some.Prompts.Select(static prompt => prompt.Id));
                var chosen = some.Network(some.Noise, [0.5]);
                Agreement.Values(chosen[0], all[3], "sample 3", 1e-4);
                Agreement.Values(chosen[1], all[1], "sample 1", 1e-4);
            }
            return [new Objective(weight.sum())];
        });
        Assert.Equal(1.5, run.Step().Evaluations);
    }

    [Fact]
    public void Rewards_are_normalised_for_training_and_reported_as_they_are()
    {
        List<float> totals = [];
        using var run = new ScriptedRun(
            new RunSettings { Steps = 1, Batch = 2 },
            (step, weight) => step.Average(batch =>
            {
                using var _ = no_grad();
                totals.AddRange(batch.Score(batch.Noise).Total.data<float>());
                using var on = enable_grad();
                return new Objective(weight.sum());
            }),
            rewards: [("bright", 2, 1, 4, new ScriptedRun.Constant(9)), ("dark", -1, 0, 1, new ScriptedRun.Constant(3))]);
        var report = run.Step();
        Assert.Equal(9, report.Rewards["bright"]);
        Assert.Equal(3, report.Rewards["dark"]);
        Assert.Equal([1, 1], totals);
    }

    /// <summary>Everything that is drawn for the samples of two steps, the draws of algorithms among it, by step, sample and purpose.</summary>
    private static Dictionary<string, Tensor> Drawn(int batch, int accumulation)
    {
        Dictionary<string, Tensor> drawn = [];
        var grpo = GrpoMethod.FlowGrpo(new FlowGrpoSettings());
        using var run = new ScriptedRun(new RunSettings { Steps = 2, Batch = batch, Accumulation = accumulation }, (step, weight) => step.Average(micro =>
        {
            Take(step, micro, "initial", micro.Noise);
            Take(step, micro, "own", micro.Normal("own"));
            Take(step, micro, "own 0", micro.Normal("own", 0));
            Take(step, micro, "noise", micro.Normal("noise"));
            Take(step, micro, "flow-grpo", grpo.DrawNoise(micro, 3));
            Take(step, micro, "draft", DraftAlgorithm.Draw(micro, 1));
            int[] chosen = [micro.Prompts.Count - 1, 0, 0];
            var some = micro.Select(chosen);
            Assert.Equal(chosen.Select(sample => micro.Samples[sample]), some.Samples);
            Assert.True(some.Normal("own").equal(micro.Normal("own")[tensor([.. chosen.Select(static sample => (long)sample)])]).all().item<bool>());
            return new Objective(weight.sum());
        }));
        run.Step();
        run.Step();
        return drawn;

        void Take(AlignmentStep step, MicroBatch micro, string purpose, Tensor noise)
        {
            for (var i = 0; i < micro.Prompts.Count; i++)
                drawn.Add($"step {step.Index}, sample {micro.Samples[i]}, prompt {micro.Prompts[i].Id}, {purpose}", noise[i].clone().DetachFromDisposeScope());
        }
    }
}
