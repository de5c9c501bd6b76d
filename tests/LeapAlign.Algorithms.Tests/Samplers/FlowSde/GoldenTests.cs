using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Tests;

/// <summary>Published scalars of each kind of step: x = 0.3, v = −0.5, z = 0.25.</summary>
public sealed class GoldenTests
{
    // The table is of noise levels in exact arithmetic; those of the product are rounded to fp32, as its references round them.
    private static readonly (Schedule Exact, Schedule Rounded) Doubled = (
        new([.. Enumerable.Range(0, 10).Select(static i => Shift(1 + (i / 9.0 * (Shift(0.001) - 1)))), 0]), Sigmas.PipelineDefault(10, 3, 1000));

    private static readonly (Schedule Exact, Schedule Rounded) Dance = (new(Enumerable.Range(0, 17).Select(static i => Shift(1 - (i / 16.0)))), Sigmas.Dance(16, 3));

    [Theory]
    [InlineData(0, 3.505671081, 0.246435345, 0.700000000, 0.421435345, -0.593513589)]
    [InlineData(1, 3.435073468, 0.242883072, 0.742964100, 0.428624097, -0.653080981)]
    [InlineData(5, 1.088092802, 0.339045371, 0.352797112, 0.427244649, 0.091673607)]
    [InlineData(8, 0.434414797, 0.440128893, 0.225360484, 0.496469014, 0.539865476)]
    [InlineData(9, 0.066441060, 0.304895874, 0.006278090, 0.306465396, 4.120500947)]
    public void Flow_sde(int step, double scale, double mean, double deviation, double next, double logProbability) =>
        Agree(new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = 0.7 }), Doubled, step, [scale, deviation, mean, next, logProbability]);

    [Theory]
    [InlineData(0, 0.310576087, 0.044232587, 0.321634234, 2.168104969)]
    [InlineData(8, 0.324475000, 0.067082039, 0.341245510, 1.751650408)]
    [InlineData(14, 0.367666667, 0.109544512, 0.395052795, 1.261235781)]
    public void Dance_sde(int step, double mean, double deviation, double next, double logProbability) =>
        Agree(new DanceSdeSampler(new DanceSdeSettings { Eta = 0.3 }), Dance, step, [0.3, deviation, mean, next, logProbability]);

    [Theory]
    [InlineData(0, 0.913137237, 0.120905434, 0.349189743, -0.052113726)]
    [InlineData(5, 0.572679193, 0.288638404, 0.431808202, -0.020497591)]
    public void Cps(int step, double deviation, double mean, double next, double logProbability) =>
        Agree(new CpsSampler(new CpsSettings { NoiseLevel = 0.8 }), Doubled, step, [deviation, deviation, mean, next, logProbability]);

    private static double Shift(double u) => 3 * u / (1 + (2 * u));

    private static void Agree(IStochasticSampler sampler, (Schedule Exact, Schedule Rounded) schedule, int step, double[] expected)
    {
        Agree(Measured(sampler, schedule.Exact, step, float64), expected, 1e-7);
        Agree(Measured(sampler, schedule.Rounded, step, float32), expected, 1e-5);
    }

    private static void Agree(double[] actual, double[] expected, double tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance));

    private static double[] Measured(IStochasticSampler sampler, Schedule schedule, int step, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var transition = sampler.Transition(full(2, 3, 0.3, dtype: type), full(2, 3, -0.5, dtype: type), schedule, step);
        var next = transition.Next(full(2, 3, 0.25, dtype: type));
        Assert.Equal(type, next.dtype);
        return [transition.Scale, transition.Deviation, First(transition.Mean), First(next), First(transition.LogProbability(next))];
    }

    private static double First(Tensor values) => values.flatten()[0].to(float64).item<double>();
}
