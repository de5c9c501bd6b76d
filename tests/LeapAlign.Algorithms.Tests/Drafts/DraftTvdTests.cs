using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Pipeline;
using LeapAlign.Samplers.FlowSde;
using LeapAlign.Samplers.FlowSde.Speculative;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Drafts.Tests;

public sealed class DraftTvdTests
{
    private static readonly FlowSdeSampler s_sde = new(new FlowSdeSettings());

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 4)]
    [InlineData(4, 1)]
    public void The_closed_loss_is_the_mean_variation_of_tokens_on_the_teachers_path(int token, int tokens)
    {
        using var scope = NewDisposeScope();
        var run = new TaughtRun { Sampler = s_sde };
        var (objectives, a, b) = run.Descend(new DraftTvdSettings { Token = token, Timesteps = 6 });
        var expected = new TaughtRun { Sampler = s_sde };
        var states = run.Calls.Where(static call => call.Who == "teacher").ToList();
        Assert.Equal(run.Schedule.Sigmas[..6], states.Select(static call => call.Sigmas[0]));
        var sum = zeros(1, dtype: float64);
        for (var step = 0; step < 6; step++)
        {
            var (x, level) = (states[step].Latents, TaughtRun.Levels(states[step].Sigmas));
            Transition At(Tensor velocity) => s_sde.Transition(x, velocity, run.Schedule, step);
            var (draft, taught) = (At((expected.A * x) + (expected.B * level)), At(expected.Teacher(x, level)));
            var pieces = Cut(draft.Mean - taught.Mean, token == 0 ? 4 : token);
            Assert.Equal(tokens, pieces.shape[1]);
            sum += (pieces.norm(2, p: 2) / (2 * Math.Sqrt(2) * draft.Deviation)).erf().mean() / 6;
        }
        sum.backward();
        Assert.Equal(sum.item<double>(), objectives.Sum(static objective => objective.Loss.item<double>() * objective.Share), 1e-12);
        Assert.Equal(expected.A.grad!.item<double>(), a, 1e-12);
        Assert.Equal(expected.B.grad!.item<double>(), b, 1e-12);
        Assert.True(Math.Abs(a) > 1e-3);
    }

    [Fact]
    public void A_token_is_neighbours_with_all_their_channels()
    {
        using var scope = NewDisposeScope();
        var tokens = LatentTokens.Of(arange(32, dtype: float64).reshape(1, 2, 4, 4), 2);
        Assert.Equal([1, 4, 8], tokens.shape);
        Assert.Equal([2.0, 3, 6, 7, 18, 19, 22, 23], tokens[0, 1].data<double>().ToArray());
        var fault = Assert.Throws<FaultException>(() => LatentTokens.Of(zeros(1, 2, 4, 4), 3)).Fault;
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("[2, 4, 4]", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DraftLoss.Closed)]
    [InlineData(DraftLoss.Sampled)]
    public void Evaluations_are_those_that_the_method_says_it_costs(DraftLoss loss)
    {
        using var scope = NewDisposeScope();
        var run = new TaughtRun { Sampler = s_sde, Batches = 2 };
        var settings = new DraftTvdSettings { Loss = loss, Timesteps = 3 };
        run.Descend(settings);
        var cost = new DraftsPlugin().Parts.Single().Cost(settings, 6)!;
        Assert.Equal((cost.Plain, cost.Gradient), (Per(false), Per(true)));
        Assert.All(run.Calls.Where(static call => call.Who == "teacher"), static call => Assert.False(call.Gradient));

        double Per(bool gradient) => run.Calls.Where(call => call.Gradient == gradient).Sum(static call => call.Captions.Length) / 4.0;
    }

    [Fact]
    public void The_sampled_gradient_is_the_closed_one_over_the_deviation_of_rewards()
    {
        using var scope = NewDisposeScope();
        // 64 x 256 tokens of 8 dimensions in each of six steps.
        TaughtRun Run() => new() { Sampler = s_sde, Samples = 64, Shape = [2, 32, 32] };
        var closed = Run().Descend(new DraftTvdSettings { Timesteps = 6 });
        var run = Run();
        var sampled = run.Descend(new DraftTvdSettings { Timesteps = 6, Loss = DraftLoss.Sampled });
        var mean = sampled.Objectives.Average(static objective => objective.Measurements.Single(static measured => measured.Name == "token_reward").Value.mean().item<double>());
        var deviation = Math.Sqrt(mean * (1 - mean));
        Assert.InRange(mean, 0.2, 0.5);
        Assert.Equal(1, sampled.A * deviation / closed.A, 0.05);
        Assert.Equal(1, sampled.B * deviation / closed.B, 0.05);
    }

    [Fact]
    public void Rewards_are_compared_with_their_mean_over_all_samples_of_the_step()
    {
        using var scope = NewDisposeScope();
        var run = new TaughtRun { Sampler = s_sde, Batches = 2 };
        var (objectives, _, _) = run.Descend(new DraftTvdSettings { Timesteps = 6, Loss = DraftLoss.Sampled });
        var rewards = objectives.Select(static objective => objective.Measurements.Single(static measured => measured.Name == "token_reward").Value).ToList();
        var mean = rewards.Average(static each => each.mean().item<double>());
        Assert.InRange(mean, 0.01, 0.99);
        Assert.True(rewards.Select(static each => each.mean().item<double>()).Distinct().Count() > 2);
        foreach (var (objective, reward) in objectives.Zip(rewards))
        {
            // Of the drafter's own proposals, whose noise is drawn under the sample's key: ln p = −‖z‖²/2 of each token.
            var batch = run.Step().Batches[objective.Batch!.Value];
            var losses = Enumerable.Range(0, 6).Select(step =>
                -((reward - mean) / (Math.Sqrt(mean * (1 - mean)) + 1e-8) * Cut(batch.Normal("proposal", step).to(float64), 2).square().sum(2) * -0.5).mean().item<double>());
            Assert.Contains(losses, loss => Math.Abs(loss - objective.Loss.item<double>()) < 1e-9);
        }
    }

    [Theory]
    [InlineData(DraftLoss.Closed)]
    [InlineData(DraftLoss.Sampled)]
    public void A_step_is_the_same_however_it_is_cut_into_micro_batches(DraftLoss loss)
    {
        using var scope = NewDisposeScope();
        var settings = new DraftTvdSettings { Loss = loss, Timesteps = 6 };
        var whole = new TaughtRun { Sampler = s_sde }.Descend(settings);
        var cut = new TaughtRun { Sampler = s_sde, Batches = 2 }.Descend(settings);
        Assert.Equal(whole.A, cut.A, 1e-9);
        Assert.Equal(whole.B, cut.B, 1e-9);
        Assert.Equal([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1], cut.Objectives.Select(static objective => objective.Batch!.Value));
    }

    [Theory]
    [InlineData(DraftLoss.Closed)]
    [InlineData(DraftLoss.Sampled)]
    public void A_drafter_that_is_the_teacher_learns_nothing_and_is_accepted(DraftLoss loss)
    {
        using var scope = NewDisposeScope();
        var run = new TaughtRun { Sampler = s_sde, Teacher = static (x, sigma) => (0.6 * x) - (0.4 * sigma) };
        var (objectives, a, b) = run.Descend(new DraftTvdSettings { Loss = loss });
        Assert.Equal((0, 0), (a, b));
        Assert.All(objectives, static objective => Assert.Equal(1, objective.Measurements.Single(static measured => measured.Name == "acceptance").Value.mean().item<double>()));
    }

    [Fact]
    public void Acceptance_is_that_of_whole_samples()
    {
        using var scope = NewDisposeScope();
        var run = new TaughtRun { Sampler = s_sde, Teacher = static (x, _) => (0.6 * x) + 1 };
        using (no_grad()) run.B.fill_(0);
        var (objectives, _, _) = run.Descend(new DraftTvdSettings { Timesteps = 6, Token = 2 });
        var steps = new DraftTvdTestsSteps(run.Schedule);
        foreach (var objective in objectives)
        {
            // Velocities differ by one in 32 dimensions.
            var distance = objective.Measurements.Single(static measured => measured.Name == "draft_distance").Value;
            Assert.Contains(steps.Distances, expected => Math.Abs(expected - distance.mean().item<double>()) < 1e-9);
            var acceptance = objective.Measurements.Single(static measured => measured.Name == "acceptance").Value;
            Assert.Equal((distance / (2 * Math.Sqrt(2))).erfc().mean().item<double>(), acceptance.mean().item<double>(), 1e-12);
        }
    }

    [Fact]
    public void With_the_speculative_sampler_the_path_is_the_teachers_and_drafts_are_told()
    {
        using var scope = NewDisposeScope();
        var run = new TaughtRun { Sampler = new SpeculativeSampler(new SpeculativeSettings { Drafter = Drafter.Model }), Shape = [1, 2, 2] };
        var (objectives, _, _) = run.Descend(new DraftTvdSettings { Timesteps = 6 });
        Assert.Equal(6, objectives.Count);
        var measured = objectives[0].Measurements.ToDictionary(static each => each.Name, static each => each.Value);
        Assert.InRange(measured["draft_accepted"].item<double>(), 0.01, 1);
        Assert.True(measured["target_calls"].mean().item<double>() < 6);
        // Three drafts of four samples are evaluated by the teacher at once, under the captions of their samples.
        var first = run.Calls.First(static call => call.Who == "teacher");
        Assert.Equal([.. Enumerable.Range(0, 4).SelectMany(static sample => Enumerable.Repeat($"prompt {sample}", 3))], first.Captions);
        Assert.Equal([run.Schedule.Sigma(0), run.Schedule.Sigma(1), run.Schedule.Sigma(2)], first.Sigmas[..3]);
        Assert.Equal(4, run.Calls.First(static call => call.Who == "drafter").Captions.Length);
    }

    [Fact]
    public void The_part_asks_for_a_teacher_and_a_normal_density()
    {
        var part = new DraftsPlugin().Parts.Single();
        Assert.Equal([Capabilities.Teacher, Capabilities.GaussianLogProbability], part.Requires(part.ReadSettings("{}")));
    }

    [Fact]
    public void A_run_that_cannot_work_is_refused_in_one_sentence()
    {
        RunShape Shape(ISampler sampler) => new(Sigmas.Explicit(6, 3), 4) { Sampler = sampler };
        Refused(Shape(s_sde), 7, "7 steps", "takes 6 in 6");
        Refused(Shape(new DanceSdeSampler(new DanceSdeSettings())), 6, "takes 5 in 6");
        Refused(Shape(new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = 0 })), 1, "noise level above 0");
        Refused(Shape(new SpeculativeSampler(new SpeculativeSettings())), 1, "\"drafter\": \"model\"");
        Assert.True(new DraftTvdAlgorithm(new DraftTvdSettings()).Check(Shape(new SpeculativeSampler(new SpeculativeSettings { Drafter = Drafter.Model }))).IsOk);
        Assert.True(new DraftTvdAlgorithm(new DraftTvdSettings { Timesteps = 5 }).Check(Shape(new DanceSdeSampler(new DanceSdeSettings()))).IsOk);
    }

    private static void Refused(RunShape shape, int timesteps, params string[] words)
    {
        var fault = new DraftTvdAlgorithm(new DraftTvdSettings { Timesteps = timesteps }).Check(shape).Match(static _ => throw new InvalidOperationException("it was not refused"), static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.All(words, word => Assert.Contains(word, fault.Message, StringComparison.Ordinal));
    }

    // Another way to the same tokens.
    private static Tensor Cut(Tensor latents, int side) => stack(
        from row in Enumerable.Range(0, (int)latents.shape[2] / side)
        from column in Enumerable.Range(0, (int)latents.shape[3] / side)
        select latents.narrow(2, row * side, side).narrow(3, column * side, side).flatten(1), 1);

    private sealed class DraftTvdTestsSteps(Contracts.Flow.Schedule schedule)
    {
        public double[] Distances { get; } = [.. Enumerable.Range(0, schedule.Steps).Select(step =>
        {
            var (x, none, one) = (zeros(1, 2, 4, 4, dtype: float64), zeros(1, 2, 4, 4, dtype: float64), ones(1, 2, 4, 4, dtype: float64));
            var (low, high) = (s_sde.Transition(x, none, schedule, step), s_sde.Transition(x, one, schedule, step));
            return (high.Mean - low.Mean).norm().item<double>() / low.Deviation;
        })];
    }
}
