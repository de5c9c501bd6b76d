using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Optimizers.Constrained.LvHba;
using LeapAlign.Optimizers.Tests;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.Tests;

public sealed class LvHbaTests
{
    private static readonly Dictionary<string, double> s_rewards = new() { ["near"] = 0.5, ["far"] = 1.5, ["judge"] = 2 };

    // Both at once: plain numbers as they are published.
    private static readonly LvHbaSettings s_plain = new() { Upper = ["judge"], Rate = 0.05, LowerRate = 0.1, Proximity = 2, Metric = StepMetric.Euclidean, WeightRate = 0.05 };

    [Fact]
    public void A_step_is_the_published_one_with_losses_of_rewards()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0.4, -0.2);
        var step = new Step(weight);
        using var optimization = Begin(s_plain, weight);
        step.Update(optimization, 0);
        // θ descends from y: θ = y − η ∇f(y), then y − α (∇F(y) / 1 + ∇f(y) − (y − θ)/γ).
        double[] y = [0.4, -0.2], f = Step.Lower(y, 0.5, 1.5), judged = Step.Judged(y), theta = [y[0] - (0.1 * f[0]), y[1] - (0.1 * f[1])];
        for (var i = 0; i < 2; i++) Assert.Equal(y[i] - (0.05 * (judged[i] + f[i] - ((y[i] - theta[i]) / 2))), weight.Values()[i], 1e-12);
        // Slopes of −Σ x R are −R.
        double[] moved = [0.5 - (0.05 * (-Step.Near(y) + Step.Near(theta))), 1.5 - (0.05 * (-Step.Far(y) + Step.Far(theta)))];
        var beyond = (moved.Sum() - 2) / 2;
        Assert.Equal([moved[0] - beyond, moved[1] - beyond], [optimization.Weights["near"], optimization.Weights["far"]], static (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.False(optimization.Weights.ContainsKey("judge"));
        Assert.Equal([(0, "near,far", true), (0, "near,far", false), (1, "judge", false)], step.Asked.OrderBy(static asked => asked.Draw).ThenByDescending(static asked => asked.Objectives));
        Assert.Equal(0.5, step.Measured["weight_near"]);
        Assert.Equal(1, step.Measured["c"]);
        step.Update(optimization, 1);
        Assert.Equal(Math.Pow(2, 0.3), step.Measured["c"], 1e-12);
    }

    [Fact]
    public void The_weight_goes_to_the_reward_that_the_judge_is_for()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(0, 0);
        var step = new Step(weight);
        using var optimization = Begin(s_plain with { WeightRate = 1 }, weight);
        for (var update = 0; update < 300; update++) step.Update(optimization, update);
        // The judge wants what 'near' wants; both weights begin with more for 'far'.
        Assert.True(optimization.Weights["near"] > 1.5, $"{optimization.Weights["near"]}");
        Assert.Equal(2, optimization.Weights.Values.Sum(), 1e-9);
        Assert.All(optimization.Weights.Values, static value => Assert.True(value >= 0));
    }

    [Theory]
    [InlineData(StepMetric.Euclidean, BudgetProjection.Radial)]
    [InlineData(StepMetric.Rms, BudgetProjection.Radial)]
    [InlineData(StepMetric.Euclidean, BudgetProjection.Linear)]
    [InlineData(StepMetric.Rms, BudgetProjection.Linear)]
    public void A_budget_is_kept_that_the_loss_would_break(StepMetric metric, BudgetProjection projection)
    {
        using var scope = NewDisposeScope();
        double Drift(LvHbaSettings settings)
        {
            var weight = Given.Weight(0, 0);
            var step = new Step(weight);
            using var optimization = Begin(settings, weight);
            for (var update = 0; update < 300; update++) step.Update(optimization, update);
            return Step.Drift(weight.Values());
        }
        var settings = s_plain with { Metric = metric, Rate = metric == StepMetric.Rms ? 0.005 : 0.05, LowerRate = metric == StepMetric.Rms ? 0.005 : 0.1, Proximity = null, WeightRate = 0, Projection = projection };
        Assert.True(Drift(settings) > 0.3);
        Assert.InRange(Drift(settings with { Constraint = "kl", Budget = 0.2 }), 0.1, 0.2 * 1.02);
    }

    [Fact]
    public void The_constraint_is_no_loss_and_other_objectives_are()
    {
        using var scope = NewDisposeScope();
        double[] After(LvHbaSettings settings)
        {
            var weight = Given.Weight(0.1, 0.2);
            using var optimization = Begin(settings, weight);
            new Step(weight).Update(optimization, 0);
            return weight.Values();
        }
        // Within its budget the constraint moves nothing; named as none, its gradient (w) counts in θ and in y.
        var (kept, lost) = (After(s_plain with { Constraint = "kl", Budget = 100 }), After(s_plain));
        double[] y = [0.1, 0.2];
        for (var i = 0; i < 2; i++) Assert.Equal(0.05 * y[i] * (1 - (0.1 / 2)), kept[i] - lost[i], 1e-12);
    }

    [Fact]
    public void A_step_beyond_the_budget_goes_back_towards_where_training_began()
    {
        using var scope = NewDisposeScope();
        var weight = Given.Weight(1, 2);
        using var drift = new Drift(Given.Set(weight), 0.75);
        using var _ = no_grad();
        // Nothing was measured of a drift yet.
        weight.add_(tensor([0.3, 0.4]));
        Assert.False(drift.Project(7, 0.01, [weight]));
        // 0.5 away it was 1, so h is 4: at 1 away it would be 4, and half of that is √½ as far.
        weight.add_(tensor([0.3, 0.4]));
        Assert.True(drift.Project(1, 2, [weight]));
        Assert.Equal([1 + (0.6 * Math.Sqrt(0.5)), 2 + (0.8 * Math.Sqrt(0.5))], weight.Values(), static (a, b) => Math.Abs(a - b) < 1e-12);
        // There it was 8: h is 3/4 of 4 and a quarter of 16.
        Assert.True(drift.Project(8, 1, [weight]));
        Assert.Equal(1 / 7.0, Math.Pow(weight.Values()[0] - 1, 2) + Math.Pow(weight.Values()[1] - 2, 2), 1e-12);
        Assert.Equal([7, 1 / 7.0], drift.Numbers.Select(static number => number.Value), static (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Theory]
    [InlineData(StepMetric.Euclidean, 1)]
    [InlineData(StepMetric.Rms, 1)]
    [InlineData(StepMetric.Rms, 4)]
    public void A_saved_state_goes_on_to_the_same_bits(StepMetric metric, int at)
    {
        using var scope = NewDisposeScope();
        static Tensor Start() => RandomKey.OfRun(4).For("w").Normal([2], CPU).requires_grad_();
        var settings = s_plain with { Constraint = "kl", Budget = 0.05, Metric = metric, Rate = 0.01, MultiplierRate = 0.3 };
        var (whole, interrupted) = (Start(), Start());
        using var first = Begin(settings, whole);
        using var second = Begin(settings, interrupted);
        for (var update = 0; update < 7; update++) new Step(whole).Update(first, update);
        for (var update = 0; update < at; update++) new Step(interrupted).Update(second, update);
        var resumed = interrupted.detach().clone().requires_grad_();
        using var third = Begin(settings, resumed);
        Assert.True(((IStateful)third).Load(((IStateful)second).Save()).IsOk);
        for (var update = at; update < 7; update++) new Step(resumed).Update(third, update);
        Assert.Equal(whole.bytes.ToArray(), resumed.bytes.ToArray());
        Assert.Equal(first.Weights, third.Weights);
    }

    [Theory]
    [InlineData("no one", "judge:1,a:1", "the reward 'no one', which the run does not train; trained are judge, a")]
    [InlineData("", "judge:1,a:1", "no reward that judges")]
    [InlineData("judge", "judge:1", "all of them judge")]
    [InlineData("judge", "judge:1,a:-1,b:3", "the reward 'a' has the weight -1")]
    [InlineData("judge", "judge:1,a:0,b:0", "the sum of the weights of a, b, which is 0")]
    [InlineData("judge", "judge:0,a:1", "have weight 0: judge")]
    public void Rewards_that_do_not_fit_are_refused_before_the_first_step(string upper, string rewards, string says)
    {
        using var scope = NewDisposeScope();
        using var optimization = (IWeighingOptimization)new LvHbaOptimizer(s_plain with { Upper = upper.Length == 0 ? [] : [upper] }).Begin(Given.Set(Given.Weight(1)));
        var fault = optimization.Meet(rewards.Split(',').Select(static one => one.Split(':')).ToDictionary(static one => one[0], static one => double.Parse(one[1], System.Globalization.CultureInfo.InvariantCulture)), []).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault?.Code);
        Assert.Contains(says, fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_budget_of_an_objective_that_is_not_there_is_refused()
    {
        using var scope = NewDisposeScope();
        using var optimization = (IWeighingOptimization)new LvHbaOptimizer(s_plain with { Constraint = "kl" }).Begin(Given.Set(Given.Weight(1)));
        var fault = optimization.Meet(s_rewards, ["local-error"]).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault?.Code);
        Assert.Contains("the objective 'kl', but the run has local-error", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_asks_for_weights_of_rewards_and_chooses_the_length_of_its_steps()
    {
        var part = new ConstrainedPlugin().Parts.Single(static part => part.Id == "lv-hba");
        var settings = part.ReadSettings("""{ "upper": [ "judge" ] }""");
        Assert.Equal([Capabilities.RewardWeights], part.Requires(settings));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(settings));
    }

    private static IWeighingOptimization Begin(LvHbaSettings settings, Tensor weight)
    {
        var optimization = (IWeighingOptimization)new LvHbaOptimizer(settings).Begin(Given.Set(weight));
        Assert.True(optimization.Meet(s_rewards, ["kl"]).IsOk);
        return optimization;
    }

    // Two numbers; 'near' and the judge want (1, 0), 'far' wants (0, 2); the loss is −Σ x R, the drift half the squared length.
    private sealed class Step(Tensor weight)
    {
        public List<(int Draw, string Weights, bool Objectives)> Asked { get; } = [];

        public Dictionary<string, double> Measured { get; } = [];

        public static double Near(double[] y) => -(Math.Pow(y[0] - 1, 2) + Math.Pow(y[1], 2)) / 2;

        public static double Far(double[] y) => -(Math.Pow(y[0], 2) + Math.Pow(y[1] - 2, 2)) / 2;

        public static double Drift(double[] y) => ((y[0] * y[0]) + (y[1] * y[1])) / 2;

        // With the drift, which is a loss where it is no constraint.
        public static double[] Lower(double[] y, double near, double far) => [(near * (y[0] - 1)) + (far * y[0]) + y[0], (near * y[1]) + (far * (y[1] - 2)) + y[1]];

        public static double[] Judged(double[] y) => [2 * (y[0] - 1), 2 * y[1]];

        public void Update(IWeighingOptimization optimization, int update)
        {
            using var scope = NewDisposeScope();
            var weights = optimization.Weights;
            weight.grad = zeros_like(weight);
            optimization.Update(new UpdateContext(update)
            {
                Parts = Parts(weights, weight, true),
                Measured = (name, value) => Measured[name] = value,
                Weighed = (asked, values, draw, objectives) =>
                {
                    Asked.Add((draw, string.Join(',', asked.Keys), objectives));
                    return Parts(asked, values is null ? weight : values[0], objectives);
                },
            });
        }

        private static StepParts Parts(IReadOnlyDictionary<string, double> weights, Tensor at, bool objectives)
        {
            var y = at.Values();
            var (near, far) = (weights.GetValueOrDefault("near") + weights.GetValueOrDefault("judge"), weights.GetValueOrDefault("far"));
            var loss = tensor([(near * (y[0] - 1)) + (far * y[0]), (near * y[1]) + (far * (y[1] - 2))]).to(at.dtype);
            var kl = new StepGradient(Drift(y), [tensor(y).to(at.dtype)]);
            return new StepParts(
                new StepGradient(-(near * Near(y)) - (far * Far(y)), [loss]),
                objectives ? new Dictionary<string, StepGradient> { ["kl"] = kl } : [],
                new Dictionary<string, double> { ["near"] = -Near(y), ["far"] = -Far(y), ["judge"] = -Near(y) });
        }
    }
}
