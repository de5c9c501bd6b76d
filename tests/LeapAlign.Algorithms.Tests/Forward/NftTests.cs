using LeapAlign.Algorithms.Forward.Losses;
using LeapAlign.Algorithms.Forward.Nft;
using LeapAlign.Methods.Matching;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class NftTests
{
    private static readonly NftSettings s_settings = new() { Timesteps = 3, TimeRangeEnd = 0.9 };

    [Theory]
    [InlineData(1.0, 0.49)]
    [InlineData(0.1, 6.79)]
    public void Agrees_with_the_specification(double beta, double expected)
    {
        using var scope = NewDisposeScope();
        // ε such that x_σ = 0.4.
        var at = new NoisedSamples(Vector(-0.3), Vector((0.4 - (0.3 * -0.3)) / 0.7), [0.7]);
        Assert.Equal(0.4, at.Latents.item<double>(), 1e-12);
        var loss = new NftAlgorithm(s_settings with { Beta = beta }).Losses(at, Vector(0.9), Vector(0.8), Vector(0.8));
        Assert.Equal(expected, loss.item<double>(), 1e-9);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public void On_policy_it_is_flow_matching_with_the_factor_2r_minus_1(double optimality)
    {
        using var scope = NewDisposeScope();
        const double sigma = 0.6, limit = 5;
        var at = new NoisedSamples(tensor(new[,] { { 0.2, -0.5, 1.1 } }), tensor(new[,] { { -0.7, 0.4, 0.9 } }), [sigma]);
        var velocity = tensor(new[,] { { 0.3, 0.1, -0.6 } }).requires_grad_();
        new NftAlgorithm(s_settings with { Beta = 0.4 }).Losses(at, velocity, velocity.detach(), Vector(optimality)).mean().backward();
        var error = at.Data(velocity.detach()) - at.Clean;
        var expected = error * (limit * (1 - (2 * optimality)) * 2 * sigma / 3) / error.abs().mean();
        Assert.True(allclose(expected, velocity.grad!, rtol: 1e-9, atol: 1e-12));
    }

    [Theory]
    [InlineData(1.0, 0.0)]
    [InlineData(0.3, 0.5)]
    public void The_gradient_is_the_derivative_of_the_stated_loss(double beta, double kl)
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        var settings = s_settings with { Beta = beta, KlWeight = kl };
        var descent = network.Descend(new NftAlgorithm(settings));
        var oracle = new Oracle(network);
        var (points, advantages) = (oracle.Points(), oracle.Advantages(settings));
        oracle.Compare(descent, (a, b) => points.SelectMany((samples, point) => samples.Select((at, row) =>
        {
            var r = Math.Clamp((advantages[point / 3][row] / 5 / 2) + 0.5, 0, 1);
            var (old, still, v) = (oracle.Copy("old", at), oracle.Still(at), Oracle.Velocity(at, (a, b)));
            double Error(double[] velocity, double[] constant) =>
                Oracle.Square(Oracle.Data(at, velocity), at.Clean) / Math.Max(1e-5, Oracle.Absolute(Oracle.Data(at, constant), at.Clean));
            var policy = (r * Error(Mixed(v, old, beta), Mixed(still, old, beta))) + ((1 - r) * Error(Mixed(v, old, -beta), Mixed(still, old, -beta)));
            return (policy * 5 / beta) + (kl * Oracle.Square(v, oracle.Copy("reference", at)));
        })).Average());
    }

    [Fact]
    public void The_old_policy_samples_and_is_compared_with()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        network.Descend(new NftAlgorithm(s_settings with { KlWeight = 0 }));
        var steps = network.Schedule.Steps;
        Assert.All(network.Calls.Take(steps), static call => Assert.Equal(("old", false, true), (call.Policy, call.Gradient, call.Guided)));
        Assert.All(network.Calls.Skip(steps).Chunk(2), static pair =>
        {
            Assert.Equal(("old", false, false), (pair[0].Policy, pair[0].Gradient, pair[0].Guided));
            Assert.Equal((PolicyNetwork.Trained, true, false), (pair[1].Policy, pair[1].Gradient, pair[1].Guided));
            Assert.Equal(pair[0].Latents.SelectMany(static row => row), pair[1].Latents.SelectMany(static row => row));
            Assert.Equal(pair[0].Sigmas, pair[1].Sigmas);
        });
    }

    [Fact]
    public void Guidance_applies_where_it_is_asked_for()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        network.Descend(new NftAlgorithm(s_settings with { Guided = true, RolloutGuided = false }));
        Assert.All(network.Calls.Take(network.Schedule.Steps), static call => Assert.False(call.Guided));
        Assert.All(network.Calls.Skip(network.Schedule.Steps), static call => Assert.True(call.Guided));
    }

    [Theory]
    [InlineData(AdvantageKind.All, new[] { 0, 0.3, 0.5, 0.8, 1 })]
    [InlineData(AdvantageKind.Positive, new[] { 0.5, 0.5, 0.5, 0.8, 1 })]
    [InlineData(AdvantageKind.Negative, new[] { 0, 0.3, 0.5, 0.5, 0.5 })]
    [InlineData(AdvantageKind.Binary, new[] { 0.4, 0.4, 0.5, 0.6, 0.6 })]
    [InlineData(AdvantageKind.One, new[] { 0.5, 0.5, 0.5, 0.6, 0.6 })]
    public void Advantages_become_probabilities(AdvantageKind kind, double[] expected)
    {
        var optimality = Optimality.Of([-7, -2, 0, 3, 5], 5, kind);
        Assert.All(expected.Zip(optimality), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    private static double[] Mixed(double[] velocity, double[] old, double beta) => [.. velocity.Zip(old, (v, o) => (beta * v) + ((1 - beta) * o))];

    private static Tensor Vector(double value) => tensor([value], dtype: float64);
}
