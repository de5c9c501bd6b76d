using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Likelihoods;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Likelihoods;

/// <summary>Likelihoods under flows whose densities are known.</summary>
public sealed class FlowLikelihoodTests
{
    private const double Mean = 0.7, Deviation = 0.4;

    // The flow between normal samples of that mean and deviation and standard noise.
    private static KnownFlow Normal => new(static (x, sigma) =>
    {
        var variance = Math.Pow((1 - sigma) * Deviation, 2) + (sigma * sigma);
        return ((x - ((1 - sigma) * Mean)) * ((sigma - ((1 - sigma) * Deviation * Deviation)) / variance)) - Mean;
    });

    // Not symmetric, not linear, with a large diagonal here and there.
    private static KnownFlow Bent => new(static (x, sigma) =>
    {
        var weights = (RandomKey.OfRun(4).Normal([KnownFlow.Numbers, KnownFlow.Numbers], CPU) * 0.5) + diag(arange(KnownFlow.Numbers, dtype: float32) / 8);
        return (x.matmul(weights) * (1 - (0.5 * sigma))).tanh() + (x * 0.3 * sigma);
    });

    private static Tensor Sample(long seed) => (RandomKey.OfRun(seed).Normal([1, 2, 2, 3], CPU) * Deviation) + Mean;

    [Theory]
    [InlineData("euler", 400, 0.3)]
    [InlineData("heun", 400, 2e-3)]
    [InlineData("rk4", 100, 2e-4)]
    public void A_normal_density_is_found_by_every_solver(string solver, int steps, double tolerance)
    {
        using var scope = NewDisposeScope();
        var sample = Sample(1);
        var found = Normal.Likelihood(steps, FlowSolver.All.Single(one => one.Name == solver), 2, DivergenceForm.Exact, DivergenceForm.Signs).OfSample(sample, KnownFlow.Sample(0), CancellationToken.None);
        var expected = (((sample - Mean) / Deviation).square().to(float64) / -2).sum().item<double>() - (KnownFlow.Numbers * (Math.Log(Deviation) + (Math.Log(2 * Math.PI) / 2)));
        Assert.Equal(expected, found.Estimates[0].Value, tolerance);
        // The Jacobian is a multiple of one: signs are exact, too.
        Assert.Equal(found.Estimates[0].Value, found.Estimates[1].Value, 1e-4);
        Assert.Equal((0.0, KnownFlow.Numbers), (found.Estimates[0].Error, found.Dimensions));
        var noise = ((sample - Mean) / Deviation).to(float64);
        Assert.Equal(Math.Sqrt(noise.square().mean().item<double>()), found.NoiseSize, 0.05);
        Assert.Equal(-expected / KnownFlow.Numbers / Math.Log(2), found.Estimates[0].Bits(KnownFlow.Numbers), 0.05);
    }

    [Fact]
    public void Noise_and_the_sample_it_becomes_have_one_likelihood()
    {
        using var scope = NewDisposeScope();
        var noise = RandomKey.OfRun(2).Normal([1, 2, 2, 3], CPU);
        var drawn = Normal.Likelihood(100, FlowSolver.RungeKutta, 2, DivergenceForm.Exact).OfNoise(noise, KnownFlow.Sample(0), CancellationToken.None);
        var encoded = Normal.Likelihood(100, FlowSolver.RungeKutta, 2, DivergenceForm.Exact).OfSample((noise * Deviation) + Mean, KnownFlow.Sample(0), CancellationToken.None);
        Assert.Equal(drawn.Estimates[0].Value, encoded.Estimates[0].Value, 1e-3);
        Assert.Equal(drawn.Prior, encoded.Prior, 1e-3);
        Assert.Equal(Math.Sqrt(noise.square().mean().item<float>()), drawn.NoiseSize, 1e-6);
    }

    // In the mean over keys, within three standard errors, and the errors that are told are the errors that there are.
    [Theory]
    [InlineData("Signs", 2)]
    [InlineData("Coordinates", 3)]
    [InlineData("Tiles", 4)]
    public void An_estimate_is_unbiased_and_tells_its_error(string name, int products)
    {
        using var scope = NewDisposeScope();
        const int keys = 300;
        var form = Enum.Parse<DivergenceForm>(name);
        var exact = Bent.Likelihood(4, FlowSolver.Heun, 2, DivergenceForm.Exact).OfSample(Sample(3), KnownFlow.Sample(0), CancellationToken.None).Estimates[0].Value;
        var found = Enumerable.Range(0, keys).Select(seed => Bent.Likelihood(4, FlowSolver.Heun, products, form).OfSample(Sample(3), KnownFlow.Sample(seed), CancellationToken.None).Estimates[0]).ToList();
        var (mean, variance) = (found.Average(static one => one.Value), found.Average(one => Math.Pow(one.Value - exact, 2)));
        Assert.Equal(exact, mean, 3 * Math.Sqrt(variance / keys));
        Assert.Equal(variance, found.Average(static one => one.Error * one.Error), 0.25 * variance);
        Assert.All(found, one => Assert.Equal(products, one.Products));
        Assert.True(variance > 1e-3, "nothing was left to chance");
    }

    // Eight evaluations of weight 1/8 each: the variance of one estimate is eight times that of the integral.
    [Fact]
    public void The_variance_of_an_evaluation_is_told_beside_that_of_the_integral()
    {
        using var scope = NewDisposeScope();
        var found = Bent.Likelihood(4, FlowSolver.Heun, 3, DivergenceForm.Signs, DivergenceForm.Coordinates).OfSample(Sample(3), KnownFlow.Sample(0), CancellationToken.None);
        Assert.All(found.Estimates, static one => Assert.Equal(8 * one.Error * one.Error, one.Variance, 1e-9));
        Assert.NotEqual(found.Estimates[0].Variance, found.Estimates[1].Variance);
    }

    [Fact]
    public void The_network_is_evaluated_where_the_solver_is_and_never_outside_the_noise_levels()
    {
        using var scope = NewDisposeScope();
        var (up, down) = (Normal, Normal);
        up.Likelihood(2, FlowSolver.Heun, 2, DivergenceForm.Signs, DivergenceForm.Tiles).OfSample(Sample(1), KnownFlow.Sample(0), CancellationToken.None);
        Assert.Equal([0, 0.5, 0.5, 1], up.Levels);
        down.Likelihood(1, FlowSolver.RungeKutta, 2, DivergenceForm.Signs).OfNoise(Sample(1), KnownFlow.Sample(0), CancellationToken.None);
        Assert.Equal([1, 0.5, 0.5, 0], down.Levels);
    }

    [Fact]
    public void A_velocity_that_is_not_finite_is_a_fault_with_the_picture_and_the_level()
    {
        using var scope = NewDisposeScope();
        var flow = new KnownFlow(static (x, sigma) => sigma > 0.4 ? x / 0 : x);
        var thrown = Assert.Throws<FaultException>(() => flow.Likelihood(2, FlowSolver.Euler, 2, DivergenceForm.Signs).OfSample(Sample(1), KnownFlow.Sample(0), CancellationToken.None));
        Assert.Equal((FaultCodes.FlowNotFinite, "a.png"), (thrown.Fault.Code, thrown.Fault.Place!.File));
        Assert.Contains("noise level 0.5", thrown.Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_exact_divergence_of_many_numbers_is_refused()
    {
        var exact = Normal.Likelihood(2, FlowSolver.Euler, 2, DivergenceForm.Signs, DivergenceForm.Exact);
        Assert.True(exact.Check([16, 32, 32], "a.png").TryGet(out _, out var none), none?.Message);
        Assert.False(exact.Check([16, 32, 33], "a.png").TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.DivergenceTooLarge, fault!.Code);
        Assert.True(Normal.Likelihood(2, FlowSolver.Euler, 2, DivergenceForm.Signs).Check([16, 128, 128], "a.png").TryGet(out _, out _));
    }

    [Fact]
    public void The_error_of_a_mean_is_that_of_its_estimates()
    {
        LikelihoodRow Row(double value, double error) => new("a.png", "x", new Contracts.Models.ImageSize(8, 8), new SampleLikelihood(12, 0, 1, [new LikelihoodEstimate(value, error, 1, 2)]));
        Assert.Equal((2.5, 2.5), new LikelihoodSheet(["signs"], [Row(1, 3), Row(4, 4)]).Mean(0));
    }

    [Fact]
    public void It_stops_between_evaluations()
    {
        using var scope = NewDisposeScope();
        using var stop = new CancellationTokenSource();
        var flow = new KnownFlow((x, _) =>
        {
            stop.Cancel();
            return x;
        });
        Assert.Throws<OperationCanceledException>(() => flow.Likelihood(2, FlowSolver.Euler, 2, DivergenceForm.Signs).OfSample(Sample(1), KnownFlow.Sample(0), stop.Token));
        Assert.Single(flow.Levels);
    }
}
