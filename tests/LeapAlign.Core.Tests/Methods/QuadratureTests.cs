using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Flow;
using LeapAlign.Methods.Quadrature;
using LeapAlign.Methods.Schedules;

namespace LeapAlign.Methods.Tests;

/// <summary>Weights of velocities and of their gradients.</summary>
public sealed class QuadratureTests
{
    // The schedule of FLUX.1 with 25 steps and 1024 image tokens, of which σ is rounded to fp32.
    private static readonly Schedule s_flux = Sigmas.Dynamic(25, 0.63);

    [Theory]
    [InlineData(new[] { 5, 9, 13 }, new[] { -0.037377475, -0.153924996, -0.095191896 })]
    [InlineData(new[] { 5, 13 }, new[] { -0.121260060, -0.165234308 })]
    [InlineData(new[] { 5 }, new[] { -0.286494368 })]
    public void Weights_of_a_published_leap(int[] supports, double[] expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        var weights = LagrangeWeights.Over([.. supports.Select(s_flux.Sigma)], s_flux.Sigma(5), s_flux.Sigma(14));
        Assert.All(expected.Zip(weights), static pair => Assert.Equal(pair.First, pair.Second, 1e-7));
    }

    [Fact]
    public void The_midpoint_rule_has_no_weight_at_its_start()
    {
        double[] weights = LagrangeWeights.Over([0.6, 0.4], 0.6, 0.2);
        Assert.Equal(0, weights[0], 1e-15);
        Assert.Equal(-0.4, weights[1], 1e-15);
    }

    [Property(MaxTest = 300)]
    public bool Weights_sum_to_the_interval_and_integrate_polynomials_exactly(long seed, PositiveInt many)
    {
        var random = Contracts.Randomness.RandomKey.OfRun(seed).Open();
        var count = 1 + (many.Get % 4);
        double from = 0.5 + (random.NextDouble() / 2), to = from * random.NextDouble();
        // Nodes at least a tenth of the interval apart.
        double[] nodes = [.. Enumerable.Range(0, count).Select(node => from + ((to - from) * (node + (0.6 * random.NextDouble())) / count))];
        double[] polynomial = [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];
        var weights = LagrangeWeights.Over(nodes, from, to);
        var integral = polynomial.Select((coefficient, power) => coefficient * (Math.Pow(to, power + 1) - Math.Pow(from, power + 1)) / (power + 1)).Sum();
        var quadrature = weights.Zip(nodes, (weight, node) => weight * polynomial.Select((coefficient, power) => coefficient * Math.Pow(node, power)).Sum()).Sum();
        return Math.Abs(weights.Sum() - (to - from)) < 1e-11 && Math.Abs(integral - quadrature) < 1e-10;
    }

    [Property(MaxTest = 200)]
    public bool A_full_rescale_makes_active_weights_amount_to_all(PositiveInt many, PositiveInt active, long seed)
    {
        var random = Contracts.Randomness.RandomKey.OfRun(seed).Open();
        double[] weights = [.. Enumerable.Range(0, 1 + (many.Get % 20)).Select(_ => random.NextDouble() - 0.5)];
        double[] some = [.. weights.Take(1 + (active.Get % weights.Length))];
        if (some.Sum(Math.Abs) < 1e-3) return true;
        var full = GradientRescale.Factor(1, weights, some);
        return Math.Abs((full * some.Sum(Math.Abs)) - weights.Sum(Math.Abs)) < 1e-10
            && Math.Abs(GradientRescale.Factor(0.5, weights, some) - ((1 + full) / 2)) < 1e-10
            && GradientRescale.Factor(0, weights, some) == 1
            && Math.Abs(GradientRescale.Factor(1, weights, weights) - 1) < 1e-12;
    }

    [Fact]
    public void Active_weights_that_amount_to_nothing_are_not_rescaled()
    {
        Assert.Equal(1, GradientRescale.Factor(1, [-0.5, -0.25], []));
        Assert.Equal(1, GradientRescale.Factor(1, [-0.5, 1e-9], [1e-9]));
    }

    [Fact]
    public void A_leap_along_the_steps_has_their_lengths_as_weights()
    {
        var schedule = new Schedule([1, 0.8, 0.5, 0.2, 0]);
        var leap = QuadratureLeap.AlongSteps(schedule, 1, 4, [0, 2], 3);
        Assert.Equal((1, 4), (leap.From, leap.To));
        Assert.Equal([1, 2, 3], leap.Nodes.Select(static node => node.Step));
        Assert.All(leap.Nodes, node => Assert.Equal(schedule.Delta(node.Step, node.Step + 1), node.Weight));
        Assert.Equal([null, 3 * schedule.Delta(2, 3), null], leap.Nodes.Select(static node => node.GradientWeight));
    }
}
