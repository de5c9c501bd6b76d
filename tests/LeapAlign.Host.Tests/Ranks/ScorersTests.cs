using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static LeapAlign.Host.Tests.Ranks.ScoringWorld;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Ranks;

/// <summary>Processes that only score: what others get from them is what they would have computed themselves.</summary>
public sealed class ScorersTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public void Scores_and_gradients_are_those_of_the_reward(int trainers, int scorers)
    {
        var outcomes = Run(trainers, scorers, [Plan("smooth", static () => new Smooth())], (trainer, rewards) =>
        {
            var images = Images(trainer);
            var scores = rewards["smooth"].Score(new ScoredSamples(Prompts) { Images = images }, images);
            // Each score has a weight of its own in the loss.
            (scores * tensor(new[] { 2f, -0.5f })).sum().backward();
            return (scores.detach().data<float>().ToArray(), images.grad!.flatten().data<float>().ToArray());
        });
        for (var trainer = 0; trainer < trainers; trainer++)
        {
            using var scope = NewDisposeScope();
            var images = Images(trainer);
            var scores = new Smooth().Score(images, Prompts);
            (scores * tensor(new[] { 2f, -0.5f })).sum().backward();
            Assert.Equal(scores.detach().data<float>().ToArray(), outcomes[trainer].Item1);
            Assert.Equal(images.grad!.flatten().data<float>().ToArray(), outcomes[trainer].Item2);
        }
    }

    [Fact]
    public void Without_gradients_none_are_computed()
    {
        List<bool> recorded = [];
        var plan = Plan("smooth", () => new Smooth { Seen = (images, _) => recorded.Add(images.requires_grad) });
        Run(1, 1, [plan], static (_, rewards) =>
        {
            using (no_grad()) Assert.False(Ask(rewards["smooth"], Images(0)).requires_grad);
            Assert.False(Ask(rewards["smooth"], Images(0).detach()).requires_grad);
            Assert.True(Ask(rewards["smooth"], Images(0)).requires_grad);
            return 0;
        });
        Assert.Equal([false, false, true], recorded);
    }

    [Fact]
    public void Prompts_arrive_whole()
    {
        List<Prompt> seen = [];
        Run(1, 1, [Plan("smooth", () => new Smooth { Seen = (_, prompts) => seen.AddRange(prompts) })], static (_, rewards) => Ask(rewards["smooth"], Images(0)).numel());
        Assert.Equivalent(Prompts, seen, strict: true);
    }

    [Fact]
    public void A_reward_is_where_its_placement_says()
    {
        var (first, second) = (new HashSet<int>(), new HashSet<int>());
        RewardPlan[] plans =
        [
            Plan("first", () => new Smooth { Seen = (_, _) => first.Add(Environment.CurrentManagedThreadId) }, "scorer:0"),
            Plan("second", () => new Smooth { Seen = (_, _) => second.Add(Environment.CurrentManagedThreadId) }, "scorer:1"),
        ];
        Run(3, 2, plans, static (trainer, rewards) => (Ask(rewards["first"], Images(trainer)).numel(), Ask(rewards["second"], Images(trainer)).numel()));
        Assert.NotEqual(Assert.Single(first), Assert.Single(second));
    }

    [Fact]
    public void Processes_that_score_take_turns()
    {
        var all = new Dictionary<int, int>();
        var plan = Plan("smooth", () => new Smooth
        {
            Seen = (_, _) =>
            {
                lock (all) all[Environment.CurrentManagedThreadId] = all.GetValueOrDefault(Environment.CurrentManagedThreadId) + 1;
            },
        });
        Run(4, 2, [plan], static (trainer, rewards) => Ask(rewards["smooth"], Images(trainer)).numel());
        Assert.Equal([2, 2], all.Values);
    }

    [Fact]
    public void A_score_that_is_missing_has_no_gradient()
    {
        var gradient = Run(1, 1, [Plan("partial", static () => new Partial())], static (_, rewards) =>
        {
            var reward = rewards["partial"];
            Assert.True(reward.MayMiss);
            Assert.Equal(new ScoreRange(0, 5), reward.Range);
            var images = Images(0);
            var scores = Ask(reward, images);
            Assert.Equal(1, reward.Known(scores.detach()).numel());
            where(scores.isnan(), zeros_like(scores), scores).sum().backward();
            return images.grad!.flatten(1).abs().sum(1).data<float>().ToArray();
        })[0];
        Assert.Equal(0, gradient[0]);
        Assert.True(gradient[1] > 0);
    }

    [Fact]
    public void What_it_throws_ends_whoever_asked_and_it_goes_on_for_others()
    {
        var faults = Run(2, 1, [Plan("smooth", static () => new Smooth { Seen = static (_, prompts) => _ = prompts[0].Id == 0 ? throw new InvalidOperationException("not today") : 0 })], static (trainer, rewards) =>
        {
            if (trainer == 1) return Ask(rewards["smooth"], Images(1)).numel() == 2 ? null : new Fault.Run("none", "none");
            var images = Images(0);
            return Assert.Throws<FaultException>(() => rewards["smooth"].Score(new ScoredSamples([new Prompt(0, "x"), new Prompt(1, "y")]) { Images = images }, images)).Fault;
        });
        Assert.Equal((FaultCodes.StepThrew, 2), (faults[0]?.Code, faults[0]?.Rank));
        Assert.Contains("reward 'smooth' threw InvalidOperationException while scoring: not today", faults[0]!.Message, StringComparison.Ordinal);
        Assert.Null(faults[1]);
    }

    [Fact]
    public void A_score_that_depends_on_other_pictures_is_refused()
    {
        var fault = Run(1, 1, [Plan("smooth", static () => new Contrast())], static (_, rewards) => Assert.Throws<FaultException>(() => Ask(rewards["smooth"], Images(0))).Fault)[0];
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("depends on the other pictures of its batch", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_derivative_is_refused_instead_of_being_zero() => Run(1, 1, [Plan("smooth", static () => new Smooth())], static (_, rewards) =>
    {
        var images = Images(0);
        using var calls = new Contracts.Algorithms.GraphCalls();
        var scores = Ask(rewards["smooth"], images);
        Assert.Throws<NotSupportedException>(() =>
        {
            autograd.grad([scores.sum()], [images], create_graph: true, allow_unused: true);
            calls.Complete();
        });
        return 0;
    });

    [Fact]
    public void Warnings_of_a_reward_come_to_whoever_asked()
    {
        List<string> heard = [];
        Run(1, 1, [Plan("smooth", static () => new Smooth())], (_, rewards) => Ask(rewards["smooth"], Images(0)).numel(), fault => heard.Add($"{fault.Rank} {fault.Message}"), new Told(new Fault.Run("LA5001", "mind the gap")));
        Assert.Equal(["1 mind the gap"], heard);
    }

    [Fact]
    public void A_fault_with_which_training_ends_is_that_of_those_that_scored()
    {
        var served = Served(2, 1, [Plan("smooth", static () => new Smooth())], static (trainer, _) => trainer == 1 ? new Fault.Run(FaultCodes.CannotWrite, "the disk is full") : null);
        Assert.Equal((FaultCodes.CannotWrite, 1), (served?.Code, served?.Rank));
        Assert.Null(Served(2, 1, [Plan("smooth", static () => new Smooth())], static (_, _) => null));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Parts_that_one_process_cannot_make_end_all_before_a_step(int broken)
    {
        var faults = ThreadedRanks.Run(3, world =>
        {
            var scorers = Scorers(world, 2, 1);
            Result<IReadOnlyList<RunReward>> made = world.Rank == broken ? new Fault.Composition(FaultCodes.MissingPart, "no model") : Result.Ok<IReadOnlyList<RunReward>>([]);
            var met = scorers.IsScorer ? scorers.Meet(made, static rewards => rewards).Map(static _ => Completion.Whole) : scorers.Meet(() => scorers.Meet(made, static _ => []).Map(static _ => Completion.Whole));
            scorers.End(null);
            return met.Match<Fault?>(static _ => null, static fault => fault);
        });
        Assert.All(faults, fault => Assert.Equal((FaultCodes.MissingPart, broken), (fault?.Code, fault?.Rank ?? broken)));
    }

    [Fact]
    public void A_process_that_is_stopped_before_all_have_met_stops_all()
    {
        var ended = ThreadedRanks.Run(3, static world =>
        {
            var scorers = Scorers(world, 2, 1);
            Result<Completion> Met() => scorers.Meet(Result.Ok(0), static _ => []).Map(static _ => Completion.Whole);
            if (!scorers.IsScorer) return scorers.Meet(() => world.Rank == 1 ? Result.Ok(Completion.Interrupted) : Met()).Value();
            Assert.Throws<OperationCanceledException>(() => Met());
            return Completion.Interrupted;
        });
        Assert.All(ended, static each => Assert.Equal(Completion.Interrupted, each));
    }

    [Fact]
    public void A_reward_with_a_state_stays_with_those_that_train()
    {
        var fault = ThreadedRanks.Run(2, static world =>
        {
            var scorers = Scorers(world, 1, 1);
            return scorers.Meet(Made(scorers, [Plan("kept", static () => new Kept())]), static rewards => rewards).Match<Fault?>(static _ => null, static fault => fault);
        });
        Assert.All(fault, static each =>
        {
            Assert.Equal(FaultCodes.SettingsDoNotFit, each?.Code);
            Assert.Contains("'kept' keeps a state between steps", each!.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_reward_of_another_one_that_others_compute_is_refused()
    {
        var inner = Plan("given", static () => new Smooth());
        var outer = new RewardPlan(new PartPlan(PartDefinition.TryOf<IReward, ExportSettings>("of", HostJson.Export, static (_, context) => context.OtherReward("given").Map(static given => given)), new ExportSettings(), "of", new SourcePlace("plugins.json", Key: "rewards[1]")), RewardRole.Train, 1);
        var fault = new RewardMaking([inner, outer], null, Context, [], UnscoredReward.Of).All().Match<Fault?>(static _ => null, static fault => fault);
        Assert.Contains("which other processes compute (placement \"scorer\")", fault?.Message, StringComparison.Ordinal);
        // Where both are, the one is made for the other alone.
        Assert.Equal(["of"], Made(Scorers(Lone.Instance, 0, 1), [inner with { Placement = "run" }, outer with { Placement = "scorer" }]).Value().Select(static reward => reward.Name));
    }

    [Theory]
    [InlineData(1, 1, "one process was started, and 1 of them", 2)]
    [InlineData(2, 3, "2 processes were started, and 3 of them", 4)]
    public void Some_are_left_to_train(int world, int scorers, string told, int enough)
    {
        var fault = ProcessRoles.Of(scorers, world).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.WorldSize, fault?.Code);
        Assert.Contains(told, fault!.Message, StringComparison.Ordinal);
        Assert.Contains($"at least {enough}", fault.Message, StringComparison.Ordinal);
        Assert.Equal(new ProcessRoles(1, scorers), ProcessRoles.Of(scorers, enough).Value());
    }
}
