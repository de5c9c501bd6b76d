using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests.Trouble;

/// <summary>Steps in which something goes wrong: the right update is refused, and the right part is named.</summary>
public sealed class StepTroubleTests
{
    private static readonly RunSettings s_settings = new() { Steps = 2, Batch = 2 };

    [Fact]
    public void An_update_is_judged_by_the_rewards_that_were_scored_for_it()
    {
        var calls = 0;
        using var run = new ScriptedRun(
            s_settings,
            static (step, weight) => Enumerable.Range(0, 4).Select(_ =>
            {
                using (no_grad()) step.Batches[0].Score(step.Batches[0].Noise);
                return new Objective(weight.sum()).Updating();
            }),
            rewards: [("odd", 1, 0, 1, Scored((_, prompts) => full([prompts.Count], ++calls == 2 ? float.NaN : 1, dtype: float32)))],
            guard: new GuardSettings { NotFinite = "skip", Skips = 1 });
        var report = run.Step();
        Assert.Equal((3, 1), (report.Updates, report.Skipped));
        Assert.Contains("the first that is not finite is the reward 'odd'", Assert.Single(run.Refused).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_layer_whose_gradient_went_bad_is_named_whatever_is_clipped()
    {
        ScriptedRun? run = null;
        var name = "";
        using (run = new ScriptedRun(s_settings, (_, _) =>
        {
            name = run!.Names[run.Names.Count / 2];
            // The value is 0; its gradient is 0 times infinity in that layer, and finite in all others.
            return [new Objective((run.Named(name) * 0).sqrt().sum() + run.Names.Select(other => run.Named(other).sum()).Aggregate(static (one, other) => one + other))];
        }))
        {
            var fault = Assert.Throws<FaultException>(() => run.Step()).Fault;
            Assert.Equal(FaultCodes.NotFinite, fault.Code);
            Assert.Contains($"the gradient went bad in or behind '{name}'", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_reward_that_changes_the_pictures_is_named()
    {
        var fault = Score(static (images, prompts) =>
        {
            using (no_grad()) images.fill_(0.5f);
            return ones(prompts.Count);
        });
        Assert.Contains("reward 'odd' changed the pictures", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("good")]
    [InlineData("throws")]
    [InlineData("restores")]
    public void The_first_reward_that_changes_the_pictures_is_named_whatever_those_after_it_do(string after)
    {
        Tensor? kept = null;
        (string, double, double, double, IReward) Reward(string name, Func<Tensor, Tensor> score) => (name, 1, 0, 1, Scored((images, prompts) =>
        {
            using var gradients = no_grad();
            return score(images).expand(prompts.Count);
        }));
        using var run = new ScriptedRun(s_settings, Scoring, rewards:
        [
            Reward("looks", images => (kept = images.detach().clone().DetachFromDisposeScope()).max()),
            Reward("changes", static images => images.add_(0.25f).max()),
            Reward("after", images => after switch
            {
                "throws" => throw new InvalidOperationException("too bright"),
                "restores" => images.copy_(kept!).max(),
                _ => images.max(),
            }),
        ]);
        Assert.Contains("reward 'changes' changed the pictures", Assert.Throws<FaultException>(() => run.Step()).Fault.Message, StringComparison.Ordinal);
        kept!.Dispose();
    }

    [Fact]
    public void A_reward_that_returns_null_is_named() => Assert.Contains("reward 'odd' returned null", Score(static (_, _) => null).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(ScalarType.ComplexFloat32, "cpu", "ComplexFloat32")]
    [InlineData(ScalarType.Float32, "meta", "'meta'")]
    public void A_reward_whose_scores_are_no_numbers_is_named(ScalarType type, string device, string words)
    {
        var fault = Score((_, prompts) => zeros(prompts.Count, dtype: type, device: device));
        Assert.Contains("reward 'odd' returned scores of type", fault.Message, StringComparison.Ordinal);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reward_may_dispose_its_pictures()
    {
        using var run = new ScriptedRun(s_settings, Scoring, rewards: [("first", 1, 0, 1, Scored(static (images, prompts) =>
        {
            images.Dispose();
            return ones(prompts.Count);
        })), ("second", 1, 0, 1, Scored(static (images, _) => images.mean([1, 2, 3])))]);
        Assert.Equal(1, run.Step().Rewards["first"]);
    }

    [Fact]
    public void Samples_that_are_no_whole_batches_are_not_the_rewards_fault()
    {
        using var run = new ScriptedRun(s_settings, static (step, weight) =>
        {
            var noise = step.Batches[0].Noise;
            step.Batches[0].Score(cat([noise, noise.narrow(0, 0, 1)]));
            return [new Objective(weight.sum())];
        });
        Assert.Contains("3 samples were given to be scored for 2 prompts", Assert.Throws<ArgumentException>(() => run.Step()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_part_that_gives_up_is_an_interruption_only_where_one_was_asked_for(bool asked)
    {
        using var stop = new CancellationTokenSource();
        var plan = InProcessRun.Plan(s_settings).With(ScriptedRun.Algorithm(
            _ =>
            {
                if (asked) stop.Cancel();
                throw new TaskCanceledException("the service took too long");
            },
            []));
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        using var kernel = new RunKernel(plan, parts, CPU, []);
        var ended = kernel.Run(stop.Token);
        if (asked) Assert.Equal(RunEnding.Interrupted, Recording.Require(ended));
        else Assert.Equal(FaultCodes.StepThrew, ended.Match<string?>(static _ => null, static fault => fault.Code));
    }

    [Fact]
    public void A_run_that_is_asked_to_stop_in_its_last_step_is_complete()
    {
        using var stop = new CancellationTokenSource();
        var plan = InProcessRun.Plan(s_settings with { Steps = 1 }).With(ScriptedRun.Algorithm(_ =>
        {
            stop.Cancel();
            return [];
        }, []));
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        using var kernel = new RunKernel(plan, parts, CPU, []);
        Assert.Equal(RunEnding.Finished, Recording.Require(kernel.Run(stop.Token)));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData("two words")]
    public void A_copy_of_the_policy_whose_name_is_no_files_is_refused(string name)
    {
        var fault = Assert.Throws<FaultException>(() => new ScriptedRun(s_settings, static (_, _) => [], [new(name, static _ => 1)])).Fault;
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains($"'copy.{name}'", fault.Message, StringComparison.Ordinal);
    }

    private static Fault Score(Func<Tensor, IReadOnlyList<Prompt>, Tensor?> score)
    {
        using var run = new ScriptedRun(s_settings, Scoring, rewards: [("odd", 1, 0, 1, Scored(score))]);
        return Assert.Throws<FaultException>(() => run.Step()).Fault;
    }

    private static IEnumerable<Objective> Scoring(AlignmentStep step, Tensor weight)
    {
        using (no_grad()) step.Batches[0].Score(step.Batches[0].Noise);
        return [new Objective(weight.sum())];
    }

    private static IReward Scored(Func<Tensor, IReadOnlyList<Prompt>, Tensor?> score) => new ScriptedRun.Scorer(score);
}
