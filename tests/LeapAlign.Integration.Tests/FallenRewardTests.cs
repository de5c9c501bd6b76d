using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Updates that are undone where the rewards of their own samples fall, and rewards that learn behind steps.</summary>
public sealed class FallenRewardTests
{
    private static readonly GuardSettings s_undo = new() { Fallen = GuardSettings.Undo };

    [Theory]
    [InlineData(1, true)]
    [InlineData(-1, false)]
    public void An_update_is_kept_where_rewards_rise_and_undone_to_the_bit_where_they_fall(int sign, bool kept)
    {
        using var scope = NewDisposeScope();
        using var run = Run(s_undo, sign);
        var before = Copies(run);
        var average = run.Training.Average.Policy.Values.Select(static value => value.clone()).ToList();
        var report = run.Step();
        Assert.Equal(kept ? 1 : 0, report.Measurements["kept_updates"]);
        Assert.Equal(kept, report.Measurements["rewards_after"] > report.Rewards["red"]);
        Assert.NotEqual(report.Measurements["rewards_after"], report.Rewards["red"]);
        Assert.Equal(!kept, before.Zip(Copies(run)).All(static pair => pair.First.equal(pair.Second).all().item<bool>()));
        Assert.Equal(!kept, average.Zip(run.Training.Average.Policy.Values).All(static pair => pair.First.equal(pair.Second).all().item<bool>()));
        Assert.Equal((1, 1), (report.Updates, run.Training.Updates));
        // The network computes with what came back, and not with what was tried.
        if (kept) return;
        using var other = Run(new GuardSettings(), sign);
        other.Step();
        Assert.NotEqual(other.Step().Rewards["red"], run.Step().Rewards["red"]);
    }

    [Fact]
    public void Looking_costs_the_step_once_more_without_a_backward_and_changes_nothing_else()
    {
        using var scope = NewDisposeScope();
        using var plain = Run(new GuardSettings(), 1);
        using var looking = Run(s_undo, 1);
        var (once, twice) = (plain.Step(), looking.Step());
        Assert.Equal(once.Loss, twice.Loss);
        Assert.Equal(once.GradientNorm, twice.GradientNorm);
        Assert.Equal(2 * once.Evaluations, twice.Evaluations);
        Assert.DoesNotContain("kept_updates", once.Measurements.Keys);
        Assert.All(Copies(plain).Zip(Copies(looking)), static pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
    }

    [Fact]
    public void Rewards_are_weighed_as_they_are_trained()
    {
        using var scope = NewDisposeScope();
        // Red falls, which its weight below 0 asks for.
        var rewards = new[] { ("red", -2.0, 0.25, 0.5, (IReward)new Channel(0)), ("blue", 0.001, 0.0, 1.0, new Channel(2)) };
        using var run = new SteppedRun(Plan(s_undo, 1).With(rewards));
        var report = run.Step();
        Assert.Equal(1, report.Measurements["kept_updates"]);
        Assert.True(report.Measurements["rewards_after"] > (-2 * (report.Rewards["red"] - 0.25) / 0.5) + (0.001 * report.Rewards["blue"]));
    }

    [Fact]
    public void A_step_that_cannot_be_asked_for_again_is_refused()
    {
        var plan = Plan(s_undo, 1).With(ScriptedRun.Algorithm(static _ => [], []));
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        var fault = parts.Check(plan).Match(static _ => throw new InvalidOperationException("it was not refused"), static fault => fault);
        Assert.Equal((FaultCodes.UpdateNotRepeated, "guard.fallen"), (fault.Code, fault.Place!.Key));
        Assert.True(parts.Check(plan with { Guard = new GuardSettings() }).IsOk);
    }

    [Fact]
    public void A_reward_learns_once_behind_each_step_under_a_key_of_its_own_and_is_refused_in_several_processes()
    {
        using var scope = NewDisposeScope();
        var learning = new Learning();
        using var run = new SteppedRun(Plan(new GuardSettings(), 1).With(("red", 1.0, 0.0, 1.0, (IReward)learning)));
        var report = run.Step();
        run.Step();
        Assert.Equal([(0, 2), (1, 4)], learning.Learnt.Select(static each => (each.Step, each.Scored)));
        Assert.Equal(2, learning.Learnt.Select(static each => each.Key).Distinct().Count());
        Assert.All(learning.Learnt, static each => Assert.Contains("red", each.Key, StringComparison.Ordinal));
        Assert.Equal(7, report.Measurements["red_found"]);
        // Each process would learn from its own samples.
        Assert.All(ThreadedRanks.Run(2, communicator =>
        {
            var plan = Plan(new GuardSettings(), 1).With(("red", 1.0, 0.0, 1.0, (IReward)new Learning()));
            using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, new RunRanks(communicator)));
            return parts.Check(plan).Match(static _ => "", static fault => fault.Code);
        }), static code => Assert.Equal(FaultCodes.LearningRewardShared, code));
    }

    private static RunPlan Plan(GuardSettings guard, int sign)
    {
        var plan = InProcessRun.Plan(new RunSettings { Steps = 4, Batch = 2, Accumulation = 2, ClipNorm = 1e9 }).With(("red", 1.0, 0.0, 1.0, (IReward)new Channel(0)));
        return plan.With(new ScriptedOptimizer { Change = (_, parameters) => Move(parameters, sign * 0.05) }) with { Guard = guard };
    }

    // A step of a length, down the loss or up.
    private static void Move(ParameterSet parameters, double by)
    {
        var length = Math.Sqrt(parameters.Sum(static parameter => parameter.Value.grad?.square().sum().item<float>() ?? 0));
        foreach (var parameter in parameters) parameter.Value.sub_((parameter.Value.grad ?? zeros_like(parameter.Value)) * (by / length));
    }

    private static SteppedRun Run(GuardSettings guard, int sign) => new(Plan(guard, sign));

    private static List<Tensor> Copies(SteppedRun run) => [.. run.Parameters.Select(static parameter => parameter.Value.detach().clone())];

    private class Channel(int channel) : IDifferentiableReward
    {
        public virtual Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.select(1, channel).flatten(1).mean([1]);
    }

    private sealed class Learning() : Channel(0), ILearningReward
    {
        private int _scored;

        public List<(int Step, int Scored, string Key)> Learnt { get; } = [];

        public override Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
        {
            _scored++;
            return base.Score(images, prompts);
        }

        public IReadOnlyDictionary<string, double> Learn(int step, RandomKey random)
        {
            Learnt.Add((step, _scored, random.ToString()));
            return new Dictionary<string, double> { ["found"] = 7 };
        }
    }
}
