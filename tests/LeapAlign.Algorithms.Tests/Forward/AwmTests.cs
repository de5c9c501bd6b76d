using LeapAlign.Algorithms.Forward.Awm;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Matching;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class AwmTests
{
    private static readonly AwmSettings s_settings = new() { Timesteps = 2 };

    [Theory]
    [InlineData(MatchingWeight.Uniform, KlWeighting.Uniform)]
    [InlineData(MatchingWeight.Sigma, KlWeighting.Elbo)]
    [InlineData(MatchingWeight.SigmaSquared, KlWeighting.Uniform)]
    [InlineData(MatchingWeight.Huber, KlWeighting.Elbo)]
    [InlineData(MatchingWeight.GHuber, KlWeighting.Uniform)]
    public void The_gradient_is_the_derivative_of_the_stated_loss(MatchingWeight weighting, KlWeighting klWeighting)
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        var settings = s_settings with { Weighting = weighting, KlWeighting = klWeighting, KlWeight = 0.7, EmaKlWeight = 0.2, TimesPerSample = true, AdvantageLimit = 5, AdvantageScale = 5 };
        var descent = network.Descend(new AwmAlgorithm(settings));
        var oracle = new Oracle(network);
        var (points, advantages) = (oracle.Points(), oracle.Advantages(settings));
        oracle.Compare(descent, (a, b) => points.SelectMany((samples, point) => samples.Select((at, row) =>
        {
            var v = Oracle.Velocity(at, (a, b));
            var ratio = Math.Exp(Omega(weighting, Oracle.Square(oracle.Still(at), at.Target), at.Sigma) - Omega(weighting, Oracle.Square(v, at.Target), at.Sigma));
            var elbo = 1 / (2 * 0.49 * at.Sigma / (1 - at.Sigma));
            return (-advantages[point / 2][row] / 5 * ratio)
                + (0.7 * (klWeighting == KlWeighting.Elbo ? elbo : 1) * Oracle.Square(v, oracle.Copy("reference", at)))
                + (0.2 * Oracle.Square(v, oracle.Copy("ema", at)));
        })).Average());
    }

    [Fact]
    public void Ratios_are_exactly_one_until_the_weights_change()
    {
        using var scope = NewDisposeScope();
        var settings = s_settings with { Updates = 4, Timesteps = 4 };
        var network = Networks.Grouped();
        var objectives = network.Descend(new AwmAlgorithm(settings)).Objectives;
        Assert.Equal(8, objectives.Count);
        Assert.All(objectives, static objective => Assert.All(Measured(objective, "ratio"), static ratio => Assert.Equal(1.0, ratio)));

        var moving = Networks.Grouped();
        objectives = moving.Descend(new AwmAlgorithm(settings), () => moving.Move(0.05, -0.02)).Objectives;
        Assert.All(objectives.Take(2), static objective => Assert.All(Measured(objective, "ratio"), static ratio => Assert.Equal(1.0, ratio)));
        Assert.All(objectives.Skip(2), static objective => Assert.All(Measured(objective, "ratio"), static ratio => Assert.NotEqual(1.0, ratio)));
    }

    [Fact]
    public void Ratios_compare_with_the_policy_that_sampled_at_the_same_noise()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        var (a, b) = (network.A.item<double>(), network.B.item<double>());
        var objectives = network.Descend(new AwmAlgorithm(s_settings with { Updates = 2, Weighting = MatchingWeight.Sigma }), () => network.Move(0.05, -0.02)).Objectives;
        var samples = new Oracle(network).Points()[1];
        var expected = samples.Select(at => Math.Exp(at.Sigma * (Oracle.Square(Oracle.Velocity(at, (a, b)), at.Target) - Oracle.Square(Oracle.Velocity(at, (a + 0.05, b - 0.02)), at.Target))));
        Assert.All(expected.Zip(Measured(objectives[1], "ratio")), static pair => Assert.Equal(pair.First, pair.Second, 1e-10));
    }

    [Fact]
    public void Advantages_of_one_without_weighting_give_the_gradient_of_flow_matching()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        using var step = network.Step();
        var batch = step.Batches[0];
        var point = new TrainingPoint
        {
            Samples = new CleanSamples { Batch = batch, Latents = batch.Noise, Advantages = [.. Enumerable.Repeat(1.0, batch.Prompts.Count)] },
            Sigmas = [0.4],
            Noise = () => batch.Random.Normal(batch.Noise.shape, CPU),
        };
        new AwmAlgorithm(s_settings with { Weighting = MatchingWeight.Uniform, KlWeight = 0, EmaKlWeight = 0 }).Objective(step, point, null).Loss.backward();
        var gradient = network.A.grad!.item<double>();
        network.A.grad = null;
        var at = point.Noised();
        (batch.Conditional(at.Latents, at.Sigmas) - at.Target).square().mean().backward();
        Oracle.Near(network.A.grad!.item<double>(), gradient, 1e-12);
    }

    [Theory]
    [InlineData(1.0, 0.02, 0.2, true)]
    [InlineData(1.0, 0.02, 2.0, false)]
    [InlineData(-1.0, 0.02, 0.2, false)]
    public void The_clip_takes_the_gradient_of_good_samples_that_went_too_far(double advantage, double clip, double gain, bool clipped)
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        using var step = network.Step();
        var batch = step.Batches[0];
        var point = new TrainingPoint
        {
            Samples = new CleanSamples { Batch = batch, Latents = batch.Noise, Advantages = [.. Enumerable.Repeat(advantage, batch.Prompts.Count)] },
            Sigmas = [0.4],
            Noise = () => batch.Random.Normal(batch.Noise.shape, CPU),
        };
        var algorithm = new AwmAlgorithm(s_settings with { KlWeight = 0, EmaKlWeight = 0, ClipLow = clip, ClipHigh = gain < 1 ? clip : 1e6 });
        var at = point.Noised();
        var sampled = algorithm.LogProbability(at, batch.Conditional(at.Latents, at.Sigmas)).detach() - gain;
        algorithm.Objective(step, point, sampled).Loss.backward();
        Assert.Equal(clipped, network.A.grad!.item<double>() == 0);
    }

    [Fact]
    public void Each_policy_is_evaluated_once_for_each_time()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        network.Descend(new AwmAlgorithm(s_settings));
        var steps = network.Schedule.Steps;
        Assert.All(network.Calls.Take(steps), static call => Assert.Equal((PolicyNetwork.Trained, false), (call.Policy, call.Gradient)));
        Assert.Equal(
            [(PolicyNetwork.Trained, true), (PolicyCopy.Reference, false), ("ema", false), (PolicyNetwork.Trained, true), (PolicyCopy.Reference, false), ("ema", false)],
            network.Calls.Skip(steps).Select(static call => (call.Policy, call.Gradient)));
        Assert.DoesNotContain(1.0, network.Trainings.SelectMany(static call => call.Sigmas));
    }

    private static double Omega(MatchingWeight weighting, double error, double sigma) => weighting switch
    {
        MatchingWeight.Uniform => error,
        MatchingWeight.Sigma => sigma * error,
        MatchingWeight.SigmaSquared => sigma * sigma * error,
        MatchingWeight.Huber => sigma * (Math.Sqrt(error + 1e-10) - 1e-5),
        _ => sigma * (Math.Pow(error + 1e-10, 0.25) - Math.Pow(1e-10, 0.25)) / 0.25,
    };

    private static double[] Measured(Objective objective, string name) =>
        objective.Measurements.Single(measured => measured.Name == name).Value.data<double>().ToArray();
}
