using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Drafts;
using LeapAlign.Methods.Schedules;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Speculative.Tests;

/// <summary>Whose samples they are, what is asked for, and what is told.</summary>
public sealed class SpeculativeTests
{
    private static readonly Func<Tensor, Tensor, Tensor> s_off = static (x, sigma) => DraftedRun.GaussianVelocity(x, sigma) + 0.8;

    [Theory]
    [InlineData(1, 7)]
    [InlineData(3, 3)]
    [InlineData(7, 1)]
    [InlineData(64, 1)]
    public void A_drafter_that_is_the_target_is_always_accepted(int drafts, int rounds)
    {
        using var scope = NewDisposeScope();
        var run = new DraftedRun();
        var sample = run.Roll(Sampler(Drafter.Teacher, drafts));
        Assert.Equal([1.0], run.Measured["draft_accepted"]);
        Assert.All(run.Measured["target_calls"], calls => Assert.Equal(rounds, calls));
        Assert.Equal(rounds, run.Calls.Count(static call => call.Who == "policy"));
        Close(new DraftedRun().Roll(new FlowSdeSampler(new FlowSdeSettings()), new DraftedRun().Path()), sample, 1e-6);
    }

    [Fact]
    public void Rounds_evaluate_the_target_at_all_drafted_states_at_once_and_each_sample_is_at_a_step_of_its_own()
    {
        using var scope = NewDisposeScope();
        var run = new DraftedRun { Second = s_off, Samples = 12 };
        run.Roll(Sampler(Drafter.Teacher, 3));
        var targets = run.Calls.Where(static call => call.Who == "policy").ToList();
        Assert.Equal([.. Enumerable.Range(0, 12).SelectMany(static sample => new[] { sample, sample, sample })], targets[0].Samples);
        Assert.Equal([.. Enumerable.Range(0, 12).SelectMany(static _ => new[] { 0, 1, 2 })], targets[0].Steps);
        Assert.True(targets[1].Steps.Distinct().Count() > 3, string.Join(", ", targets[1].Steps));
        Assert.InRange(run.Measured["draft_accepted"][0], 0.2, 0.95);
        Assert.Equal(run.Measured["target_calls"].Max(), targets.Count);
    }

    [Theory]
    [InlineData(Drafter.Teacher)]
    [InlineData(Drafter.Model)]
    public void How_far_is_drafted_does_not_change_the_samples_of_a_drafter_that_sees_the_state(Drafter drafter)
    {
        using var scope = NewDisposeScope();
        Tensor Of(int drafts) => new DraftedRun { Second = s_off }.Roll(Sampler(drafter, drafts));
        var one = Of(1);
        Close(one, Of(3), 1e-12);
        Close(one, Of(5), 1e-12);
    }

    [Theory]
    [InlineData(Drafter.Teacher)]
    [InlineData(Drafter.LastVelocity)]
    public void A_sample_does_not_depend_on_the_batch_it_is_in(Drafter drafter)
    {
        using var scope = NewDisposeScope();
        var whole = new DraftedRun { Second = s_off }.Roll(Sampler(drafter, 3));
        var rest = new DraftedRun { Second = s_off, First = 4, Samples = 2 }.Roll(Sampler(drafter, 3));
        Close(whole.narrow(0, 4, 2), rest, 1e-12);
    }

    [Theory]
    [InlineData(Drafter.Teacher)]
    [InlineData(Drafter.LastVelocity)]
    [InlineData(Drafter.Model)]
    public void What_is_passed_is_the_path_with_the_velocities_of_its_law(Drafter drafter)
    {
        using var scope = NewDisposeScope();
        var run = new DraftedRun { Second = s_off };
        var sampler = Sampler(drafter, 3);
        var sample = run.Roll(sampler);
        Assert.Equal(Enumerable.Range(0, 7), run.Passed.Select(static passed => passed.Index));
        Close(run.Noise(), run.Passed[0].State, 0);
        Close(sample, run.Passed[^1].Next, 0);
        for (var step = 0; step < 7; step++)
        {
            if (step > 0) Close(run.Passed[step - 1].Next, run.Passed[step].State, 0);
            var law = drafter == Drafter.Model ? s_off : DraftedRun.GaussianVelocity;
            Close(law(run.Passed[step].State, run.Levels([step])), run.Passed[step].Velocity, 1e-12);
        }
        Assert.Empty(run.Walked);
        Assert.Equal(Enumerable.Range(0, 7), run.Drawn.Order());
    }

    [Fact]
    public void The_last_velocity_drafts_from_the_second_step_on()
    {
        using var scope = NewDisposeScope();
        var run = new DraftedRun();
        run.Roll(Sampler(Drafter.LastVelocity, 3));
        Assert.All(run.Calls, static call => Assert.Equal("policy", call.Who));
        Assert.Equal([0, 0, 0, 0, 0, 0], run.Calls[0].Steps);
        Assert.Equal([1, 2, 3], run.Calls[1].Steps[..3]);
        // A flow whose velocity is the same everywhere is known after one call.
        var straight = new DraftedRun { Policy = static (x, _) => ones_like(x) };
        straight.Roll(Sampler(Drafter.LastVelocity, 3));
        Assert.Equal([1.0], straight.Measured["draft_accepted"]);
        Assert.All(straight.Measured["target_calls"], static calls => Assert.Equal(3, calls));
    }

    [Fact]
    public void Steps_without_noise_are_the_targets_Euler_steps()
    {
        using var scope = NewDisposeScope();
        var run = new DraftedRun { Second = s_off, Noisy = static step => step is 2 or 3 or 4 };
        run.Roll(Sampler(Drafter.Teacher, 3));
        for (var step = 0; step < 7; step++)
        {
            var (_, state, velocity, next) = run.Passed[step];
            var euler = RectifiedFlow.Leap(state, velocity, run.Schedule.Delta(step, step + 1));
            Assert.Equal(!run.Noisy(step), (euler - next).abs().max().item<double>() < 1e-12);
        }
        Assert.All(run.Calls.Where(static call => call.Who == "second"), static call => Assert.All(call.Steps, static step => Assert.InRange(step, 2, 4)));
    }

    [Fact]
    public void The_last_step_of_the_other_SDE_is_the_targets_prediction()
    {
        using var scope = NewDisposeScope();
        var run = new DraftedRun { Second = s_off };
        var sample = run.Roll(new SpeculativeSampler(new SpeculativeSettings { Drafter = Drafter.Teacher, Noise = DraftNoise.Dance, NoiseLevel = 0.5 }));
        var last = run.Passed[^1];
        Close(last.State - (last.Velocity * run.Schedule.Sigma(6)), sample, 1e-12);
        Assert.DoesNotContain(run.Calls, static call => call.Who == "second" && call.Steps.Contains(6));
    }

    [Theory]
    [InlineData(Drafter.Teacher)]
    [InlineData(Drafter.LastVelocity)]
    [InlineData(Drafter.Model)]
    public void A_path_without_noise_or_without_a_view_ahead_goes_with_its_own_velocity(Drafter drafter)
    {
        using var scope = NewDisposeScope();
        var still = new DraftedRun { Second = s_off, Noisy = static _ => false };
        var euler = still.Roll(Sampler(drafter, 3));
        Assert.Equal(Enumerable.Range(0, 7), still.Walked);
        Assert.Empty(still.Calls);
        Assert.Empty(still.Passed);
        Close(new DraftedRun().Roll(new FlowSdeSampler(new FlowSdeSettings()), still.Path()), euler, 0);
        var blind = new DraftedRun { Second = s_off };
        var walked = blind.Roll(Sampler(drafter, 3), blind.Path() with { Ahead = null });
        Assert.Empty(blind.Calls);
        Close(new DraftedRun().Roll(new FlowSdeSampler(new FlowSdeSettings())), walked, 0);
    }

    [Fact]
    public void A_piece_of_a_path_ends_where_it_is_said_to()
    {
        using var scope = NewDisposeScope();
        var run = new DraftedRun { Second = s_off };
        run.Roll(Sampler(Drafter.Teacher, 3), run.Path() with { From = 2, To = 4 });
        Assert.Equal([2, 3], run.Passed.Select(static passed => passed.Index));
        Assert.All(run.Calls, static call => Assert.All(call.Steps, static step => Assert.InRange(step, 2, 3)));
    }

    [Fact]
    public void Drafts_are_accepted_as_often_as_the_formula_says()
    {
        using var scope = NewDisposeScope();
        const int many = 4000;
        // A shift of every velocity shifts the mean of a step by the same everywhere.
        var run = new DraftedRun { Second = s_off, Samples = many };
        run.Roll(Sampler(Drafter.Teacher, 1), run.Path(listens: false) with { From = 3, To = 4 });
        var (state, steps) = (run.Noise().narrow(0, 0, 1), new FlowSdeSampler(new FlowSdeSettings()));
        Transition At(Func<Tensor, Tensor, Tensor> network) => steps.Transition(state, network(state, run.Levels([3])), run.Schedule, 3);
        var expected = new GaussianDraft(At(s_off).Mean, At(DraftedRun.GaussianVelocity).Mean, At(s_off).Deviation).Acceptance.item<double>();
        Assert.InRange(expected, 0.3, 0.9);
        Assert.Equal(expected, run.Measured["draft_accepted"][0], 4 * Math.Sqrt(expected * (1 - expected) / many));
    }

    [Theory]
    [InlineData(Drafter.Teacher)]
    [InlineData(Drafter.LastVelocity)]
    [InlineData(Drafter.Model)]
    public void The_law_of_the_samples_is_the_targets_exactly(Drafter drafter)
    {
        using var scope = NewDisposeScope();
        const int many = 3000;
        var run = new DraftedRun { Second = s_off, Samples = many, Schedule = Sigmas.Explicit(5, 3) };
        var sample = run.Roll(Sampler(drafter, 3), run.Path(listens: false));
        Assert.InRange(run.Measured["draft_accepted"][0], 0.1, 0.9);
        var (mean, variance) = Law(run.Schedule, drafter == Drafter.Model ? 0.8 : 0);
        var (otherMean, _) = Law(run.Schedule, drafter == Drafter.Model ? 0 : 0.8);
        var error = Math.Sqrt(variance / many);
        Assert.True(Math.Abs(mean - otherMean) > 20 * error, "the two models' laws are too near to be told apart");
        for (var dimension = 0; dimension < 2; dimension++)
        {
            var values = sample.select(1, dimension);
            Assert.Equal(mean, values.mean().item<double>(), 4 * error);
            Assert.Equal(variance, values.var().item<double>(), 4 * variance * Math.Sqrt(2.0 / many));
            // The distribution itself: Kolmogorov and Smirnov's distance, beyond which chance is 1 in 10,000.
            var sorted = ((values - mean) / Math.Sqrt(variance)).sort().Values;
            var ranks = arange(1, many + 1, dtype: float64) / many;
            var distance = ((((sorted / Math.Sqrt(2)).erf() + 1) / 2) - ranks).abs().max().item<double>();
            Assert.True(distance < 2.23 / Math.Sqrt(many), $"{distance}");
        }
        Assert.Equal(0, corrcoef(sample.t())[0, 1].item<double>(), 4 / Math.Sqrt(many));
    }

    [Theory]
    [InlineData("{}", false, true)]
    [InlineData("""{"drafter": "teacher"}""", true, true)]
    [InlineData("""{"drafter": "model"}""", true, false)]
    public void Samples_are_the_policys_unless_its_model_drafts_for_the_teacher(string json, bool teacher, bool policy)
    {
        var part = new FlowSdePlugin().Parts.Single(static part => part.Id == "speculative");
        var settings = part.ReadSettings(json);
        Assert.Equal(teacher ? [Capabilities.Teacher] : [], part.Requires(settings));
        Assert.Equal(policy ? [Capabilities.LogProbability, Capabilities.GaussianLogProbability] : [Capabilities.GaussianLogProbability], part.Provides(settings));
        Assert.Equal(!policy, new SpeculativeSampler((SpeculativeSettings)settings).DraftsForTeacher);
    }

    // The steps of a Gaussian flow are affine: mean and variance go along in closed form.
    private static (double Mean, double Variance) Law(Schedule schedule, double shift)
    {
        var sampler = new FlowSdeSampler(new FlowSdeSettings());
        var (mean, variance) = (0.0, 1.0);
        for (var step = 0; step < schedule.Steps; step++)
        {
            Transition At(double x)
            {
                var state = tensor(new[] { x });
                return sampler.Transition(state, DraftedRun.GaussianVelocity(state, tensor(new[] { schedule.Sigma(step) })) + shift, schedule, step);
            }
            var (low, high) = (At(0).Mean.item<double>(), At(1).Mean.item<double>());
            mean = low + ((high - low) * mean);
            variance = (variance * (high - low) * (high - low)) + Math.Pow(At(0).Deviation, 2);
        }
        return (mean, variance);
    }

    private static SpeculativeSampler Sampler(Drafter drafter, int drafts) => new(new SpeculativeSettings { Drafter = drafter, Drafts = drafts });

    private static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().item<double>() <= tolerance, $"{expected}\n{actual}");
    }
}
