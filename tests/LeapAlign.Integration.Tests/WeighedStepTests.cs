using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Steps under weights of rewards that an optimizer chose, and their gradients part by part.</summary>
public sealed class WeighedStepTests
{
    [Fact]
    public void Parts_add_up_to_the_gradient_and_slopes_are_derivatives_of_the_loss()
    {
        using var scope = NewDisposeScope();
        var (seen, anchor) = (0, 0.0);
        using var run = new SteppedRun(Plan(SteppedRun.Settings, new Weigher(new() { ["bright"] = 0.3, ["dark"] = 2 }, (context, parameters) =>
        {
            var parts = context.Parts!;
            Assert.Equal(["anchor"], parts.Objectives.Keys);
            Assert.Equal(context.Loss, parts.Algorithm.Loss + parts.Objectives["anchor"].Loss, 1e-6 * Math.Abs(context.Loss));
            for (var i = 0; i < parameters.Count; i++)
            {
                var sum = new[] { parts.Algorithm.Gradients[i], parts.Objectives["anchor"].Gradients[i] }.OfType<Tensor>().ToList();
                Assert.Equal(parameters[i].Value.grad is not null, sum.Count > 0);
                if (sum.Count > 0) Agreement.Values(parameters[i].Value.grad!, sum.Aggregate(static (a, b) => a + b), parameters[i].Name, 1e-6);
            }
            anchor = parts.Objectives["anchor"].Loss;
            // The step again under the same weights is the same step, to the bit.
            var again = context.Weigh(new Dictionary<string, double> { ["bright"] = 0.3, ["dark"] = 2 });
            Assert.Equal(parts.Algorithm.Loss, again.Algorithm.Loss);
            Assert.Equal(parts.Slopes, again.Slopes);
            Assert.All(parts.Algorithm.Gradients.Zip(again.Algorithm.Gradients), static pair => Assert.Equal(pair.First?.bytes.ToArray(), pair.Second?.bytes.ToArray()));
            // A quadratic in the weights: differences of losses are exact but for roundings.
            foreach (var (reward, slope) in parts.Slopes)
            {
                double Loss(double by) => context.Weigh(new Dictionary<string, double> { ["bright"] = 0.3 + (reward == "bright" ? by : 0), ["dark"] = 2 + (reward == "dark" ? by : 0) }, objectives: false).Algorithm.Loss;
                Assert.Equal((Loss(0.1) - Loss(-0.1)) / 0.2, slope, 1e-3 * Math.Abs(slope));
                Assert.NotEqual(0, slope);
            }
            Assert.Empty(context.Weigh(new Dictionary<string, double> { ["dark"] = 1 }, objectives: false).Objectives);
            Assert.Equal(["dark"], context.Weigh(new Dictionary<string, double> { ["dark"] = 1 }, objectives: false).Slopes.Keys);
            Assert.NotEqual(context.Weigh(new Dictionary<string, double> { ["dark"] = 1 }, draw: 1).Algorithm.Loss, context.Weigh(new Dictionary<string, double> { ["dark"] = 1 }).Algorithm.Loss);
            seen++;
        })));
        run.Step();
        // Times the weight of its entry.
        Assert.Equal(0.5 * run.Step().Measurements["anchor"], anchor, 1e-6);
        Assert.Equal(2, seen);
    }

    [Fact]
    public void A_reward_without_a_weight_is_scored_and_has_no_part_in_the_loss()
    {
        using var scope = NewDisposeScope();
        var alone = double.NaN;
        StepParts? weighed = null;
        using (var run = new SteppedRun(Plan(SteppedRun.Settings, new Weigher(new() { ["dark"] = 1 }, (context, parameters) => weighed = context.Parts))))
        {
            Assert.Equal(["bright", "dark"], run.Step().Rewards.Keys.Order(StringComparer.Ordinal));
        }
        var plan = Plan(SteppedRun.Settings, new Weigher([], static (_, _) => { }));
        using var other = new SteppedRun((plan with { Rewards = [plan.Rewards[1] with { Weight = 1 }] }).With(new ScriptedOptimizer { Change = (context, _) => alone = context.Loss }));
        other.Step();
        Assert.Equal(alone, weighed!.Algorithm.Loss + weighed.Objectives["anchor"].Loss, 1e-6);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Parts_and_slopes_do_not_depend_on_the_number_of_processes(int world)
    {
        var run = SteppedRun.Settings with { Accumulation = 4, Shards = 4 };
        (double[], byte[]) Made(ICommunicator communicator)
        {
            using var scope = NewDisposeScope();
            List<double> numbers = [];
            byte[] bytes = [];
            using var made = new SteppedRun(Plan(run, new Weigher(new() { ["bright"] = 0.3, ["dark"] = 2 }, (context, parameters) =>
            {
                foreach (var parts in new[] { context.Parts!, context.Weigh(new Dictionary<string, double> { ["dark"] = 1, ["bright"] = 1 }, draw: 1) })
                {
                    numbers.AddRange([parts.Algorithm.Loss, parts.Objectives["anchor"].Loss, parts.Slopes["bright"], parts.Slopes["dark"]]);
                    bytes = [.. bytes, .. parts.Algorithm.Gradients.Concat(parts.Objectives["anchor"].Gradients).OfType<Tensor>().SelectMany(static gradient => gradient.bytes.ToArray())];
                }
            })), communicator);
            made.Step();
            return ([.. numbers], bytes);
        }
        var alone = Made(OneProcess.Instance);
        Assert.Equal(8, alone.Item1.Length);
        Assert.All(ThreadedRanks.Run(world, Made), each =>
        {
            Assert.All(alone.Item1.Zip(each.Item1), static pair => Assert.Equal(pair.First, pair.Second, 1e-12 * Math.Abs(pair.First)));
            Assert.Equal(alone.Item2, each.Item2);
        });
    }

    [Fact]
    public void What_an_optimizer_refuses_of_the_rewards_ends_the_run_before_its_first_step()
    {
        var plan = Plan(SteppedRun.Settings, new Weigher([], static (_, _) => { }) { Refuses = (rewards, objectives) => new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{string.Join(",", rewards.Select(static reward => FormattableString.Invariant($"{reward.Key}={reward.Value}")))} {string.Join(",", objectives)}") });
        Assert.Equal("bright=1,dark=-2 anchor", Assert.Throws<FaultException>(() => new SteppedRun(plan)).Fault.Message);
    }

    [Fact]
    public void Shares_of_one_gradient_have_no_weights_to_choose()
    {
        var plan = Plan(SteppedRun.Settings with { RewardGradients = RunSettings.GradientsBalanced }, new Weigher([], static (_, _) => { }));
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, RunRanks.Alone));
        var fault = parts.Check(plan).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal((FaultCodes.SettingsDoNotFit, "run.rewardGradients"), (fault?.Code, fault?.Place?.Key));
    }

    [Fact]
    public void Only_an_optimizer_that_requires_it_may_ask()
    {
        using var run = new SteppedRun(Plan(SteppedRun.Settings, new ScriptedOptimizer
        {
            Change = static (context, _) =>
            {
                Assert.Null(context.Parts);
                Assert.Contains("'reward-weights'", Assert.Throws<InvalidOperationException>(() => context.Weigh(new Dictionary<string, double>())).Message, StringComparison.Ordinal);
            },
        }, Capabilities.Replay));
        run.Step();
        Assert.Contains("without requiring 'reward-weights'", Assert.Throws<FaultException>(() => new SteppedRun(Plan(SteppedRun.Settings, (IOptimizer)new Weigher([], static (_, _) => { })))).Fault.Message, StringComparison.Ordinal);
    }

    // The square of the rewards' sum, so that derivatives in weights are no means of rewards.
    private static RunPlan Plan(RunSettings settings, Weigher optimizer) => Plan(settings, optimizer, Capabilities.RewardWeights);

    private static RunPlan Plan(RunSettings settings, IOptimizer optimizer, params string[] needs) => InProcessRun.Plan(settings)
        .With(ScriptedRun.Algorithm(static step => step.Average(static batch => new Objective(batch.Score(batch.Sampler.Roll(batch.Noise, batch.Path with { From = 0 })).Total.square().mean())), []))
        .With(("bright", 1, 0, 1, new ScriptedRun.Scorer(static (images, _) => images.mean([1, 2, 3]))), ("dark", -2, 0.25, 2, new ScriptedRun.Scorer(static (images, _) => (1 - images).square().mean([1, 2, 3]))))
        .With(("anchor", 0.5, new Anchor()))
        .With(optimizer, needs);

    /// <summary>The mean squared velocity at one noise level.</summary>
    private sealed class Anchor : IObjective
    {
        public Objective Of(AlignmentStep step, MicroBatch batch, int update) => new(batch.Network(batch.Noise, [0.5]).square().mean());
    }

    /// <summary>Chooses weights that a test says.</summary>
    private sealed class Weigher(Dictionary<string, double> weights, Action<UpdateContext, ParameterSet> change) : ScriptedOptimizer
    {
        public Func<IReadOnlyDictionary<string, double>, IReadOnlyList<string>, Fault>? Refuses { get; init; }

        public override IOptimization Begin(ParameterSet parameters, double? rate = null) => new Weighing(this, parameters);

        private sealed class Weighing(Weigher optimizer, ParameterSet parameters) : IWeighingOptimization
        {
            public IReadOnlyDictionary<string, double> Weights => optimizer.Of;

            public Result<Unit> Meet(IReadOnlyDictionary<string, double> rewards, IReadOnlyList<string> objectives) => optimizer.Refuses is { } refuse ? refuse(rewards, objectives) : Unit.Value;

            public double Update(UpdateContext context)
            {
                using var _ = no_grad();
                optimizer.Do(context, parameters);
                return 0;
            }

            public void Dispose() => GC.SuppressFinalize(this);
        }

        private Dictionary<string, double> Of => weights;

        private void Do(UpdateContext context, ParameterSet parameters) => change(context, parameters);
    }
}
