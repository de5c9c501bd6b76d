using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimizers.Constrained.Calibration;
using LeapAlign.Optimizers.Tests;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.Tests;

public sealed class CalibrationTests
{
    private static readonly Dictionary<string, double> s_rewards = new() { ["raised"] = 2, ["kept"] = 1 };

    private static readonly CalibrationSettings s_settings = new() { Equal = ["kept"], Tolerance = 1e-8, Pull = 0 };

    // raised is −|θ_0 − (2, 2)|² − (θ_1 − 3)² over blocks 0 and 1, kept is a half of |θ|², which holds the scales on an ellipse.
    [Theory]
    [InlineData(SystemKind.Exact)]
    [InlineData(SystemKind.Kaczmarz)]
    [InlineData(SystemKind.Gaussian)]
    public void Scales_raise_a_reward_as_far_as_the_equality_lets_them(SystemKind solver)
    {
        using var scope = NewDisposeScope();
        var step = new Step();
        using var optimization = Begin(s_settings with { Solver = solver, Tolerance = solver == SystemKind.Exact ? 1e-8 : 1e-4 }, step);
        step.Update(optimization, 0);
        var (s, t) = (step.Values[0].Values()[0], step.Values[1].Values()[0] / 0.5);
        Assert.Equal([s, s], step.Values[0].Values());
        var tolerance = solver == SystemKind.Exact ? 1e-7 : 1e-3;
        // The equality holds: 2 s² + (t/2)² = 2 + 1/4.
        Assert.Equal(2.25, (2 * s * s) + (t * t / 4), tolerance);
        // And the slopes of both are parallel: Lagrange's condition.
        var (raisedS, raisedT, keptS, keptT) = (2 * -4 * (s - 2), 2 * -1 * ((t / 2) - 3), 2 * s, t / 4);
        Assert.Equal(0, ((raisedS * keptT) - (raisedT * keptS)) / 10, tolerance);
        Assert.True(step.Measured["loss_after"] < step.Measured["loss_before"]);
        Assert.Equal(s, step.Measured["scale_0"], 1e-12);
        Assert.Equal(0, step.Measured["off_kept"], tolerance);
        Assert.Equal(solver == SystemKind.Exact, step.Measured["projections"] == 0);
        // Two passes at scales of 1, and of each place that was tried, and eight for each matrix of second derivatives.
        Assert.Equal(0, step.Measured["passes"] % 2);
        Assert.True(step.Measured["passes"] >= 2 + (10 * step.Measured["newton_steps"]));
    }

    [Fact]
    public void The_equality_is_that_of_the_scales_that_the_run_began_with_and_the_next_update_goes_on()
    {
        using var scope = NewDisposeScope();
        var step = new Step();
        using var optimization = Begin(s_settings, step);
        step.Update(optimization, 0);
        var once = step.Values[0].Values();
        step.Update(optimization, 1);
        Assert.Equal(0, step.Measured["newton_steps"]);
        Assert.Equal(once, step.Values[0].Values());
        // Not the half of what was scaled: scales are of where the run began.
        Assert.InRange(step.Measured["scale_0"], once[0] - 1e-12, once[0] + 1e-12);
    }

    [Fact]
    public void The_pull_holds_scales_near_one()
    {
        using var scope = NewDisposeScope();
        double Moved(double pull)
        {
            var step = new Step();
            using var optimization = Begin(s_settings with { Pull = pull }, step);
            step.Update(optimization, 0);
            return Math.Abs(step.Measured["scale_1"] - 1);
        }
        Assert.InRange(Moved(100), 1e-4, Moved(0) / 3);
    }

    [Fact]
    public void A_saved_state_goes_on_to_the_same_bits()
    {
        using var scope = NewDisposeScope();
        var (whole, resumed) = (new Step(), new Step());
        using var first = Begin(s_settings, whole);
        whole.Update(first, 0);
        using var second = Begin(s_settings, resumed);
        Assert.True(((IStateful)second).Load(((IStateful)first).Save()).IsOk);
        foreach (var (from, to) in whole.Values.Zip(resumed.Values)) to.detach().copy_(from.detach());
        whole.Goal = resumed.Goal = 1.5;
        whole.Update(first, 1);
        resumed.Update(second, 1);
        Assert.NotEqual(0, whole.Measured["newton_steps"]);
        Assert.Equal(whole.Values.SelectMany(static value => value.Values()), resumed.Values.SelectMany(static value => value.Values()));
        Assert.Equal(whole.Measured, resumed.Measured);
    }

    [Theory]
    [InlineData("", "", "no equality")]
    [InlineData("other", "", "the reward 'other', which the run does not train; trained are raised, kept")]
    [InlineData("kept,raised", "", "all are: raised, kept")]
    [InlineData("kept", "*", "1 equalities for 1 scales")]
    public void What_does_not_fit_is_refused_before_the_first_step(string equal, string groups, string says)
    {
        using var scope = NewDisposeScope();
        using var optimization = (IWeighingOptimization)new CalibrationOptimizer(new CalibrationSettings { Equal = Split(equal), Groups = Split(groups) }).Begin(new Step().Set);
        var fault = optimization.Meet(s_rewards, []).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault?.Code);
        Assert.Contains(says, fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_group_that_names_nothing_is_refused()
    {
        using var scope = NewDisposeScope();
        var fault = Assert.Throws<FaultException>(() => new CalibrationOptimizer(s_settings with { Groups = ["blocks.*", "blocks.1*"] }).Begin(new Step().Set)).Fault;
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("'blocks.1*' of groups names none of the 3 trained tensors that no earlier pattern names", fault.Message, StringComparison.Ordinal);
        Assert.Contains("no trained tensor has a number in its name", Assert.Throws<FaultException>(() => new CalibrationOptimizer(s_settings).Begin(new ParameterSet([new Parameter("out", ParameterRole.Matrix, Given.Weight(1))]))).Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_derivative_in_a_scale_is_over_all_tensors_of_its_group()
    {
        using var scope = NewDisposeScope();
        var step = new Step();
        var groups = new ScaleGroups(step.Set, ["blocks.*", "*"], "test");
        Assert.Equal([2 + 3 + (0.5 * 4), 0], groups.Derivative(step.Values, [tensor([2.0, 3.0]), tensor([4.0]), null]));
    }

    [Fact]
    public void Tensors_that_no_group_names_stay()
    {
        using var scope = NewDisposeScope();
        var step = new Step();
        using var optimization = Begin(s_settings, step);
        step.Update(optimization, 0);
        Assert.Equal([7], step.Values[2].Values());
    }

    [Fact]
    public void It_asks_for_weights_of_rewards_and_chooses_the_length_of_its_steps()
    {
        var part = new ConstrainedPlugin().Parts.Single(static part => part.Id == "constrained-newton");
        var settings = part.ReadSettings("""{ "equal": [ "kept" ] }""");
        Assert.Equal([Capabilities.RewardWeights], part.Requires(settings));
        Assert.Equal([Capabilities.OwnStepLength], part.Provides(settings));
    }

    private static string[] Split(string names) => names.Split(',', StringSplitOptions.RemoveEmptyEntries);

    private static IWeighingOptimization Begin(CalibrationSettings settings, Step step)
    {
        var optimization = (IWeighingOptimization)new CalibrationOptimizer(settings).Begin(step.Set);
        Assert.True(optimization.Meet(s_rewards, []).IsOk);
        Assert.Equal(["raised"], optimization.Weights.Keys);
        return optimization;
    }

    // Block 0 has (1, 1), block 1 has 0.5, and one tensor has no block.
    private sealed class Step
    {
        public Tensor[] Values { get; } = [Given.Weight(1, 1), Given.Weight(0.5), Given.Weight(7)];

        public double Goal { get; set; } = 2;

        public Dictionary<string, double> Measured { get; } = [];

        public ParameterSet Set => new(Values.Zip(["blocks.0.a", "blocks.1.a", "out"], static (value, name) => new Parameter(name, ParameterRole.Matrix, value)));

        public void Update(IWeighingOptimization optimization, int update)
        {
            optimization.Update(new UpdateContext(update)
            {
                Measured = (name, value) => Measured[name] = value,
                Weighed = (weights, values, draw, objectives) =>
                {
                    Assert.Equal((0, false), (draw, objectives));
                    using var _ = enable_grad();
                    Tensor[] at = [.. (values ?? Values).Select(static value => value.detach().clone().requires_grad_())];
                    var loss = ((at[0] - Goal).square().sum() + (at[1] - 3).square().sum()) * weights.GetValueOrDefault("raised");
                    loss = loss - ((at[0].square().sum() + at[1].square().sum()) / 2 * weights.GetValueOrDefault("kept"));
                    var gradients = autograd.grad([loss], at[..2]);
                    return new StepParts(new StepGradient(loss.item<double>(), [.. gradients, null]), new Dictionary<string, StepGradient>(), new Dictionary<string, double>());
                },
            });
        }
    }
}
