using LeapAlign.Algorithms.FewSteps.Reflow;
using LeapAlign.Contracts.Flow;
using LeapAlign.Methods.Matching;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>Rectified flow between Gaussians, where everything has a closed form.</summary>
public sealed class OracleTests
{
    [Theory]
    [InlineData(1, -0.240000000)]
    [InlineData(0.5, -0.266666667)]
    [InlineData(0.1, -0.292682927)]
    public void The_velocity_of_the_rectified_flow(double sigma, double expected) => Assert.Equal(expected, GaussianFlow.Straight(1.3, sigma), 5e-10);

    [Fact]
    public void One_Euler_step_is_exact_on_the_straight_flow_alone()
    {
        Assert.Equal(1.54, RectifiedFlow.Leap(tensor(1.3, dtype: float64), GaussianFlow.Straight(tensor(1.3, dtype: float64), tensor(1.0, dtype: float64)), -1).item<double>(), 1e-12);
        Assert.Equal(0.5, RectifiedFlow.Leap(tensor(1.3, dtype: float64), GaussianFlow.Velocity(tensor(1.3, dtype: float64), tensor(1.0, dtype: float64)), -1).item<double>(), 1e-12);
    }

    [Fact]
    public void The_straightness_of_both_flows()
    {
        using var scope = NewDisposeScope();
        // The middle of each of many pieces; for ε = 1 the integrand is its mean over all ε, since it is a square of something times ε.
        const int pieces = 6_000;
        var (curved, straight) = (new Straightness(), new Straightness());
        for (var piece = 0; piece < pieces; piece++)
        {
            var sigma = (piece + 0.5) / pieces;
            curved.Take(Row(GaussianFlow.Velocity(GaussianFlow.Path(1, sigma), sigma)), 1.0 / pieces);
            var on = ((1 - sigma) * (GaussianFlow.M + GaussianFlow.S)) + sigma;
            straight.Take(Row(GaussianFlow.Straight(on, sigma)), 1.0 / pieces);
        }
        var line = Row(1 - GaussianFlow.M - GaussianFlow.S);
        Assert.Equal(0.343362939, curved.Of(line).item<double>(), 1e-8);
        Assert.Equal(0, straight.Of(line).item<double>(), 1e-12);
    }

    [Fact]
    public void The_least_training_loss_of_the_independent_coupling_is_s_times_half_pi()
    {
        using var scope = NewDisposeScope();
        // x_0 = m ± s with ε = ±1: four points with the second moments of the Gaussians, which is all that the square of something linear sees.
        var clean = tensor(new[] { GaussianFlow.M + GaussianFlow.S, GaussianFlow.M + GaussianFlow.S, GaussianFlow.M - GaussianFlow.S, GaussianFlow.M - GaussianFlow.S }, dtype: float64).unsqueeze(1);
        var noise = tensor(new[] { 1.0, -1.0, 1.0, -1.0 }, dtype: float64).unsqueeze(1);
        Assert.Equal(1.89, RectifiedFlow.Mean((noise - clean).square()).mean().item<double>(), 1e-12);
        const int levels = 5000;
        var loss = Enumerable.Range(0, levels).Average(level =>
        {
            using var inner = NewDisposeScope();
            double[] sigma = [new ReflowSettings().Level((level + 0.5) / levels)];
            var at = new NoisedSamples(clean, noise, sigma);
            return SampleErrors.Square(GaussianFlow.Velocity(at.Latents, tensor(sigma, dtype: float64)), at.Target).mean().item<double>();
        });
        Assert.Equal(1.256637061, loss, 1e-8);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(0.05)]
    [InlineData(20)]
    public void A_u_shaped_density_has_its_quantiles(double steepness)
    {
        // The distribution function, by its definition.
        double Below(double sigma) => (Math.Exp(steepness * sigma) - Math.Exp(steepness * (1 - sigma)) + Math.Exp(steepness) - 1) / (2 * (Math.Exp(steepness) - 1));
        var settings = new ReflowSettings { Density = SigmaDensity.UShaped, Steepness = steepness };
        Assert.Equal(0, settings.Level(0), 1e-12);
        Assert.Equal(1, settings.Level(1 - 1e-15), 1e-6);
        for (var quantile = 0.01; quantile < 1; quantile += 0.01)
        {
            Assert.Equal(quantile, Below(settings.Level(quantile)), 1e-9);
            Assert.Equal(1, settings.Level(quantile) + settings.Level(1 - quantile), 1e-9);
        }
    }

    [Fact]
    public void A_u_shaped_density_lies_at_the_ends_and_a_uniform_one_does_not()
    {
        double[] quantiles = [.. Enumerable.Range(0, 1000).Select(static i => (i + 0.5) / 1000)];
        double Ends(ReflowSettings settings) => quantiles.Count(quantile => Math.Abs(settings.Level(quantile) - 0.5) > 0.4) / 1000.0;
        Assert.Equal(0.2, Ends(new ReflowSettings()), 1e-3);
        // 1 − (e^{0.9a} − e^{0.1a}) / (e^a − 1) with a = 4.
        Assert.Equal(1 - ((Math.Exp(3.6) - Math.Exp(0.4)) / (Math.Exp(4) - 1)), Ends(new ReflowSettings { Density = SigmaDensity.UShaped }), 2e-3);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(4, 1, 4)]
    [InlineData(4, 3, 4)]
    public void Levels_of_a_distillation_are_those_of_its_steps(int steps, double shift, int count)
    {
        var settings = new ReflowDistillSettings { Steps = steps, Shift = shift };
        double[] levels = [.. Enumerable.Range(0, 400).Select(i => settings.Level((i + 0.5) / 400))];
        Assert.All(levels.GroupBy(static level => level), group => Assert.Equal(400 / count, group.Count()));
        Assert.Equal(Enumerable.Range(1, steps).Select(i => (double)i / steps).Select(u => shift * u / (1 + ((shift - 1) * u))), levels.Distinct().Order());
        Assert.Equal(1.0, levels.Max());
    }

    private static Tensor Row(double value) => tensor(value, dtype: float64).reshape(1, 1);
}
