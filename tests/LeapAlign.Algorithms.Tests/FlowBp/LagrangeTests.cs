using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Algorithms.FlowBp.Lagrange;
using LeapAlign.Algorithms.LeapAlign;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Leaps;
using LeapAlign.Methods.Schedules;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

public sealed class LagrangeTests
{
    private static readonly LagrangeSettings s_settings = new() { Hinge = Scalar.Hinge };

    [Property(MaxTest = 500)]
    public bool Supports_are_distinct_steps_of_the_leap_from_its_first_one_on(PositiveInt first, PositiveInt length, PositiveInt order)
    {
        int from = first.Get % 20, to = from + 1 + (length.Get % 40), count = 1 + (order.Get % 10);
        var supports = Supports.Of(from, to, count);
        return supports[0] == from && supports[^1] < to
            && supports.Length == Math.Min(count, to - from)
            && supports.SequenceEqual(supports.Distinct().Order())
            && (count == 1 || supports[^1] == to - 1);
    }

    [Theory]
    [InlineData(5, 14, 3, new[] { 5, 9, 13 })]
    [InlineData(5, 14, 2, new[] { 5, 13 })]
    [InlineData(5, 14, 1, new[] { 5 })]
    [InlineData(4, 8, 3, new[] { 4, 6, 7 })]
    [InlineData(0, 6, 3, new[] { 0, 2, 5 })]
    [InlineData(2, 5, 3, new[] { 2, 3, 4 })]
    public void Halves_are_rounded_to_even(int from, int to, int order, int[] expected) => Assert.Equal(expected, Supports.Of(from, to, order));

    [Theory]
    [InlineData(SupportMode.None, null, 4, 0)]
    [InlineData(SupportMode.Start, null, 4, 1)]
    [InlineData(SupportMode.Midpoint, null, 4, 2)]
    [InlineData(SupportMode.Midpoint, 1, 4, 1)]
    [InlineData(SupportMode.Midpoint, null, 1, 1)]
    [InlineData(SupportMode.All, null, 4, 4)]
    [InlineData(SupportMode.All, 3, 4, 3)]
    public void Active_supports(SupportMode mode, int? most, int supports, int expected) =>
        Assert.Equal(expected, Supports.ActiveCount(supports, s_settings with { SupportMode = mode, MaxActiveSupports = most }));

    [Property(MaxTest = 200)]
    public bool Weights_sum_to_the_leap_in_every_scheme(PositiveInt steps, PositiveInt first, PositiveInt order, bool uniform, bool anchored)
    {
        var schedule = Sigmas.Explicit(4 + (steps.Get % 30), 3);
        var from = first.Get % (schedule.Steps - 1);
        var settings = s_settings with { Order = 1 + (order.Get % 4), Weights = uniform ? SupportWeights.Uniform : SupportWeights.Lagrange };
        var leap = new LagrangeLeap(schedule, from, schedule.Steps, settings, anchored ? 0.3 : 1);
        return Math.Abs(leap.Path.Nodes.Sum(static node => node.Weight) - schedule.Delta(from, schedule.Steps)) < 1e-9
            && leap.WeightSum >= -schedule.Delta(from, schedule.Steps) - 1e-9;
    }

    [Property(MaxTest = 100)]
    public bool A_polynomial_velocity_is_integrated_exactly(long seed, PositiveInt order)
    {
        var random = RandomKey.OfRun(seed).Open();
        var schedule = Sigmas.Explicit(12, 3);
        var count = 1 + (order.Get % 4);
        double[] polynomial = [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];
        var from = random.NextInt(0, 6);
        var to = random.NextInt(from + count, schedule.Steps + 1);
        var leap = new LagrangeLeap(schedule, from, to, s_settings with { Order = count }, anchor: 1);
        double Velocity(double sigma) => polynomial.Select((coefficient, power) => coefficient * Math.Pow(sigma, power)).Sum();
        double Integral(double sigma) => polynomial.Select((coefficient, power) => coefficient * Math.Pow(sigma, power + 1) / (power + 1)).Sum();
        var moved = leap.Path.Nodes.Sum(node => node.Weight * Velocity(schedule.Sigma(node.Step)));
        return Math.Abs(moved - (Integral(schedule.Sigma(to)) - Integral(schedule.Sigma(from)))) < 1e-9;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(1)]
    public void Of_order_one_it_is_leapalign(double alpha)
    {
        using var scope = NewDisposeScope();
        var network = new SmallNetwork();
        var pair = new LeapPair(1, 4);
        var settings = s_settings with { Order = 1, SupportMode = SupportMode.Start, Alpha = alpha, Tau = 1e-4 };
        var (objective, gradient) = network.Descend(new LagrangeAlgorithm(settings, (_, _) => pair));
        var (leaps, expected) = network.Descend(new LeapAlignAlgorithm(new() { Alpha = alpha, Tau = 1e-4, Hinge = Scalar.Hinge }, (_, _) => pair));
        Assert.Equal(leaps.Loss.item<double>(), objective.Loss.item<double>(), 1e-10);
        Assert.All(expected.Zip(gradient), static entry => Assert.Equal(entry.First, entry.Second, 1e-10));
    }

    [Fact]
    public void Without_scale_only_the_starts_contribute()
    {
        using var scope = NewDisposeScope();
        var start = Derivatives(s_settings with { SupportMode = SupportMode.Start });
        var silent = Derivatives(s_settings with { SupportMode = SupportMode.All, SupportScale = 0, MaxActiveSupports = null });
        Assert.Equal(start.A, silent.A, 1e-12);
        Assert.Equal(start.B, silent.B, 1e-12);
        Assert.NotEqual(start.A, Derivatives(s_settings with { SupportMode = SupportMode.All, MaxActiveSupports = null }).A, 1e-3);
    }

    [Fact]
    public void A_sample_counts_less_the_farther_its_leaps_miss()
    {
        using var scope = NewDisposeScope();
        var settings = s_settings with { Tau = 0.006, SupportMode = SupportMode.Start };
        var (objective, _, _) = Derivatives(settings);
        double distanceJ = objective.Measurement("distance_j"), distance0 = objective.Measurement("distance_0");
        Assert.Equal(1 / (Math.Max(distanceJ, 0.006) + Math.Max(distance0, 0.006)), objective.Measurement("weight"), 1e-9);
        Assert.True(distanceJ > 0.006 && distance0 < 0.006, "one distance above the floor, one below");
        Assert.Equal(1 / (2 * 0.2), Derivatives(settings with { Tau = 0.2 }).Objective.Measurement("weight"), 1e-12);
    }

    [Fact]
    public void Each_step_is_evaluated_once()
    {
        using var scope = NewDisposeScope();
        var network = new ScalarNetwork { Schedule = new([1, 0.9, 0.8, 0.6, 0.3, 0.2, 0]) };
        Scalar.Derivatives(new LagrangeAlgorithm(s_settings, static (_, _) => new(1, 4)), network);
        Assert.Equal([(0, false), (1, true), (2, true), (3, false), (4, true), (5, true)], network.Steps);
    }

    [Fact]
    public void Nothing_to_train_is_refused_before_the_run()
    {
        var shape = new RunShape(Sigmas.Explicit(10, 3), 4);
        Assert.True(Check(s_settings, shape).IsOk);
        Assert.True(Check(s_settings with { SupportMode = SupportMode.None, AnchorLambda = 0.5 }, shape).IsOk);
        var fault = Check(s_settings with { SupportMode = SupportMode.None }, shape).Match(static _ => throw new InvalidOperationException(), static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault.Code);
        Assert.Contains("anchorLambda", fault.Message, StringComparison.Ordinal);
        Assert.False(Check(s_settings, new RunShape(new Schedule([1, 0.5, 0]), 4)).IsOk);
    }

    private static Result<Unit> Check(LagrangeSettings settings, RunShape shape) =>
        new LagrangeAlgorithm(settings, static (_, _) => throw new InvalidOperationException()).Check(shape);

    private static (Objective Objective, double A, double B) Derivatives(LagrangeSettings settings) =>
        Scalar.Derivatives(new LagrangeAlgorithm(settings with { Order = 4 }, static (_, _) => new(0, 2)));
}
