using LeapAlign.Algorithms.Forward.Crd;
using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class CrdTests
{
    private static readonly CrdSettings s_settings = new() { Timesteps = 3, TimeRangeEnd = 0.9, Updates = 1 };

    [Theory]
    [InlineData(Centering.Uniform, 0.0, RewardMatch.Squared, true)]
    [InlineData(Centering.Group, 0.0, RewardMatch.Squared, false)]
    [InlineData(Centering.Directional, 0.0, RewardMatch.Squared, true)]
    [InlineData(Centering.Directional, 0.4, RewardMatch.Squared, true)]
    [InlineData(Centering.Uniform, 0.0, RewardMatch.CrossEntropy, true)]
    public void The_gradient_is_the_derivative_of_the_stated_loss(Centering centering, double temperature, RewardMatch match, bool adaptiveKl)
    {
        using var scope = NewDisposeScope();
        const double beta = 0.8, kl = 0.1;
        var network = Networks.Grouped();
        var settings = s_settings with { Beta = beta, KlWeight = kl, Centering = centering, Temperature = temperature, Match = match, RewardAdaptiveKl = adaptiveKl };
        var descent = network.Descend(new CrdAlgorithm(settings));
        var oracle = new Oracle(network);
        var (points, advantages) = (oracle.Points(), oracle.Advantages(settings));
        oracle.Compare(descent, (a, b) => points.SelectMany((samples, point) =>
        {
            double[] r = [.. advantages[point / 3].Select(static advantage => Math.Clamp((advantage / 5 / 2) + 0.5, 0, 1))];
            double Implicit(Oracle.Sample at, double[] v) => Error(at, oracle.Copy("old", at), oracle.Copy("old", at)) - Error(at, v, oracle.Still(at));
            double[] still = [.. samples.Select(at => Implicit(at, oracle.Still(at)))];
            var centerings = Weights(centering, temperature, r, [.. samples.Select(static at => at.Group)]);
            return samples.Select((at, row) =>
            {
                var v = Oracle.Velocity(at, (a, b));
                var policy = centerings.Average(weights =>
                {
                    var (meanR, mean) = (weights[row].Zip(still, static (w, x) => w * x).Sum(), weights[row].Zip(r, static (w, x) => w * x).Sum());
                    var z = beta * (Implicit(at, v) - meanR);
                    return match == RewardMatch.Squared ? Math.Pow(z - (r[row] - mean), 2) : (-r[row] * Math.Log(Sigmoid(z))) - ((1 - r[row]) * Math.Log(Sigmoid(-z)));
                });
                var m = adaptiveKl ? 1e-4 / kl : 1;
                return (policy * 5 / beta) + (kl * (m + (r[row] * (1 - m))) * Oracle.Square(v, oracle.Copy("reference", at, PolicyNetwork.Guided)));
            });
        }).Average());
    }

    [Fact]
    public void At_the_old_policy_the_implicit_reward_is_nothing_and_the_loss_the_variance_of_rewards()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1, copies: Networks.OnPolicy);
        var settings = s_settings with { KlWeight = 0 };
        var objectives = network.Descend(new CrdAlgorithm(settings)).Objectives;
        double[] r = [.. new Oracle(network).Advantages(settings)[0].Select(static advantage => (advantage / 5 / 2) + 0.5)];
        Assert.All(objectives, objective =>
        {
            Assert.All(objective.Measurements.Single(static measured => measured.Name == "implicit_reward").Value.data<double>(), static reward => Assert.Equal(0.0, reward));
            Assert.Equal(5 * r.Average(value => Math.Pow(value - r.Average(), 2)), objective.Loss.item<double>(), 1e-12);
        });
    }

    [Theory]
    [InlineData(Centering.Uniform)]
    [InlineData(Centering.Group)]
    [InlineData(Centering.Directional)]
    public void A_constant_in_the_implicit_reward_changes_neither_loss_nor_gradient(Centering centering)
    {
        using var scope = NewDisposeScope();
        var algorithm = new CrdAlgorithm(s_settings with { Centering = centering });
        (double Loss, double[] Gradient) At(double constant)
        {
            var reward = tensor([0.3, -0.2, 0.5, 0.9], dtype: float64).requires_grad_();
            var loss = algorithm.Losses(reward + constant, [0.2, 0.8, 0.6, 0.1], [1, 1, 2, 2]).mean();
            loss.backward();
            return (loss.item<double>(), reward.grad!.data<double>().ToArray());
        }
        Assert.Equal(At(0).Loss, At(7).Loss, 1e-10);
        Assert.All(At(0).Gradient.Zip(At(7).Gradient), static pair => Assert.Equal(pair.First, pair.Second, 1e-10));
    }

    [Fact]
    public void Hard_pools_are_not_empty_for_rewards_between_0_and_1()
    {
        using var scope = NewDisposeScope();
        var settings = s_settings with { Centering = Centering.Directional };
        var rows = RewardCentering.Of(settings, [0.2, 0.8, 0.6, 0.5], [1, 1, 1, 1], CPU).Select(static means => means[0].data<double>().ToArray()).ToArray();
        Assert.Equal([0, 0.5, 0.5, 0], rows[0]);
        Assert.Equal([1, 0, 0, 0], rows[1]);
        Assert.All(RewardCentering.Of(settings, [0.5, 0.5], [1, 1], CPU), static means => Assert.Equal([0.5, 0.5], means[0].data<double>().ToArray()));
    }

    [Fact]
    public void The_sampling_policy_samples_without_guidance_and_the_reference_has_it()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 1);
        network.Descend(new CrdAlgorithm(s_settings));
        var steps = network.Schedule.Steps;
        Assert.All(network.Calls.Take(steps), static call => Assert.Equal(("sampling", false, false), (call.Policy, call.Gradient, call.Guided)));
        Assert.All(network.Calls.Skip(steps).Chunk(3), static point => Assert.Equal(
            [("old", false, false), (PolicyNetwork.Trained, true, false), (PolicyCopy.Reference, false, true)],
            point.Select(static call => (call.Policy, call.Gradient, call.Guided))));
    }

    private static double Error(Oracle.Sample at, double[] velocity, double[] constant) =>
        Oracle.Square(velocity, at.Target) / Math.Max(1e-5, Oracle.Absolute(constant, at.Target));

    private static double Sigmoid(double value) => 1 / (1 + Math.Exp(-value));

    /// <summary>For each direction and sample, the weights of the mean that is subtracted.</summary>
    private static double[][][] Weights(Centering centering, double temperature, double[] r, int[] groups)
    {
        double[] Normalized(IEnumerable<double> weights) => [.. weights.Select(weight => weight / weights.Sum())];
        double[][] Each(double[] weights) => [.. r.Select(_ => weights)];
        return centering switch
        {
            Centering.Uniform => [Each(Normalized(r.Select(static _ => 1.0)))],
            Centering.Group => [[.. groups.Select(group => Normalized(groups.Select(other => other == group ? 1.0 : 0)))]],
            _ when temperature == 0 => [Each(Normalized(r.Select(static x => x > 0.5 ? 1.0 : 0))), Each(Normalized(r.Select(static x => x < 0.5 ? 1.0 : 0)))],
            _ => [Each(Normalized(r.Select(x => Math.Exp(x / temperature)))), Each(Normalized(r.Select(x => Math.Exp(-x / temperature))))],
        };
    }
}
