using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Algorithms.FlowBp.Bridge;
using LeapAlign.Algorithms.FlowBp.Sparse;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Leaps;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

public sealed class BridgeTests
{
    private static readonly BridgeSettings s_settings = new() { Hinge = Scalar.Hinge };

    [Property(MaxTest = 500)]
    public bool The_budget_is_spent_and_each_segment_has_a_part(PositiveInt budget, PositiveInt before, PositiveInt from)
    {
        int total = 2 + (budget.Get % 40), pre = 1 + (before.Get % 30), post = 1 + (from.Get % 30);
        var split = BudgetSplit.Of(total, pre, post);
        return split.Before + split.From == Math.Min(total, pre + post)
            && split.Before >= 1 && split.Before <= pre
            && split.From >= 1 && split.From <= post
            // Proportional, unless a segment is too short for its part or gets one though its part is none.
            && (Math.Abs(split.Before - (Math.Min(total, pre + post) * (double)pre / (pre + post))) <= 0.5 || split.Before == 1 || split.From == 1);
    }

    [Theory]
    // Halves go to even: 2.5 of 5 and 1.5 of 3.
    [InlineData(5, 4, 4, 2, 3)]
    [InlineData(3, 4, 4, 2, 1)]
    [InlineData(2, 9, 1, 1, 1)]
    [InlineData(2, 1, 9, 1, 1)]
    [InlineData(4, 20, 1, 3, 1)]
    [InlineData(4, 1, 20, 1, 3)]
    [InlineData(100, 3, 2, 3, 2)]
    public void Budgets(int budget, int before, int from, int expectedBefore, int expectedFrom) =>
        Assert.Equal(new BudgetSplit(expectedBefore, expectedFrom), BudgetSplit.Of(budget, before, from));

    [Property(MaxTest = 300)]
    public bool J_is_active_and_both_segments_have_active_steps(long seed, PositiveInt extra, PositiveInt active, LeapPairMode mode, PositiveInt percent)
    {
        var steps = 3 + (extra.Get % 40);
        var settings = s_settings with { ActiveSteps = 2 + (active.Get % 8), Anchors = mode, TailRatio = ((percent.Get % 100) + 1) / 100.0 };
        var bridge = new BridgeSteps(settings);
        var window = bridge.Window(steps);
        var (j, drawn) = bridge.Draw(RandomKey.OfRun(seed), steps);
        return drawn.Contains(j) && drawn.Any(step => step < j)
            && drawn.SequenceEqual(drawn.Distinct().Order())
            && drawn.All(step => step >= window.First && step < steps)
            && drawn.Count == Math.Min(settings.ActiveSteps, window.Count)
            && drawn.Count(step => step < j) == BudgetSplit.Of(settings.ActiveSteps, j - window.First, steps - j).Before
            && new LeapPairSampler("flowbp-bridge", settings).Draw(RandomKey.OfRun(seed).For("leaps"), steps).J == j;
    }

    [Fact]
    public void Weights_of_the_draws_count_from_the_beginning_of_each_segment()
    {
        // The only draw before j is one of the steps 10 and 11, the first two of a window: (1 : 2)² in its own counting, (11 : 12)² in that of the schedule.
        const int draws = 4000, steps = 13;
        var bridge = new BridgeSteps(s_settings with { ActiveSteps = 2, LateBias = 2, TailRatio = 3.0 / steps, MaxReverseJ = 1 });
        var drawn = Enumerable.Range(0, draws).Select(seed => bridge.Draw(RandomKey.OfRun(seed), steps)).ToList();
        Assert.All(drawn, static choice => Assert.Equal(steps - 1, choice.J));
        Assert.InRange(drawn.Count(static choice => choice.Active[0] == 11) / (double)draws, 0.76, 0.84);

        // And behind j = 3: one of the three steps left, 1 : 4 : 9.
        bridge = new BridgeSteps(s_settings with { ActiveSteps = 3, LateBias = 2, Anchors = LeapPairMode.Uniform });
        var late = Enumerable.Range(0, draws * 4).Select(seed => bridge.Draw(RandomKey.OfRun(seed), 7)).Where(static choice => choice.J == 3 && choice.Active.Count(static step => step > 3) == 1).ToList();
        Assert.InRange(late.Count(static choice => choice.Active[^1] == 6) / (double)late.Count, (9 / 14.0) - 0.05, (9 / 14.0) + 0.05);
    }

    [Property(MaxTest = 20)]
    public bool Without_its_nested_path_it_is_sparse(PositiveInt set, PositiveInt at)
    {
        using var scope = NewDisposeScope();
        var j = 1 + (at.Get % 3);
        int[] active = [.. Enumerable.Range(0, 4).Where(step => step == j || (set.Get & (1 << step)) != 0)];
        var (_, a, b) = Scalar.Derivatives(new BridgeAlgorithm(s_settings with { Alpha = 0, GradientRescale = 0 }, (_, _) => new(j, active)));
        var (_, sparseA, sparseB) = Scalar.Derivatives(new SparseAlgorithm(new() { GradientRescale = 0, Hinge = Scalar.Hinge }, (_, _) => active));
        return Math.Abs(a - sparseA) < 1e-12 && Math.Abs(b - sparseB) < 1e-12;
    }

    [Property(MaxTest = 20)]
    public bool The_gradient_is_affine_in_alpha(PositiveInt hundredths)
    {
        using var scope = NewDisposeScope();
        var alpha = hundredths.Get % 101 / 100.0;
        double A(double value) => Derivatives(s_settings with { Alpha = value, GradientRescale = 0.5 }).A;
        return Math.Abs(A(alpha) - (A(0) + (alpha * (A(1) - A(0))))) < 1e-12;
    }

    [Fact]
    public void The_nested_path_carries_the_factor_twice()
    {
        using var scope = NewDisposeScope();
        var (objective, nested, _) = Derivatives(s_settings with { Alpha = 1, GradientRescale = 1 });
        var factor = objective.Measurement("gradient_factor");
        var straight = Derivatives(s_settings with { Alpha = 0, GradientRescale = 1 }).A;
        var plain = Derivatives(s_settings with { Alpha = 1, GradientRescale = 0 }).A - Derivatives(s_settings with { Alpha = 0, GradientRescale = 0 }).A;
        Assert.True(factor > 1.1);
        Assert.Equal(factor * factor * plain, nested - straight, 1e-12);
    }

    [Fact]
    public void The_composed_states_are_those_of_the_rollout()
    {
        using var scope = NewDisposeScope();
        var (objective, _, _) = Derivatives(s_settings);
        Assert.Equal(0, objective.Measurement("distance_j"), 1e-12);
        Assert.Equal(0, objective.Measurement("distance_0"), 1e-12);
        Assert.Equal(2, objective.Measurement("j"));
        Assert.Equal([0, 2, 3], objective.Active());
    }

    [Fact]
    public void Each_step_is_evaluated_once()
    {
        using var scope = NewDisposeScope();
        var network = new ScalarNetwork();
        Scalar.Derivatives(new BridgeAlgorithm(s_settings, static (_, _) => new(2, [1, 2])), network);
        Assert.Equal([(0, false), (1, true), (2, true), (3, false)], network.Steps);
    }

    [Fact]
    public void Too_short_a_schedule_is_refused_before_the_run()
    {
        var bridge = new BridgeAlgorithm(s_settings, static (_, _) => throw new InvalidOperationException());
        Assert.True(bridge.Check(new RunShape(new Schedule([1, 0.6, 0.3, 0]), 4)).IsOk);
        var fault = bridge.Check(new RunShape(new Schedule([1, 0.5, 0]), 4)).Match(static _ => throw new InvalidOperationException(), static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("flowbp-bridge", fault.Message, StringComparison.Ordinal);
    }

    private static (Objective Objective, double A, double B) Derivatives(BridgeSettings settings) =>
        Scalar.Derivatives(new BridgeAlgorithm(settings, static (_, _) => new(2, [0, 2, 3])));
}
