using LeapAlign.Algorithms.Forward.Sft;
using LeapAlign.Methods.Times;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class SftTests
{
    [Theory]
    [InlineData(TimeKind.LogitNormal)]
    [InlineData(TimeKind.Uniform)]
    public void The_gradient_is_the_derivative_of_the_flow_matching_loss(TimeKind times)
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        var descent = network.Descend(new SftAlgorithm(new SftSettings { Timesteps = 2, Times = times }));
        var oracle = new Oracle(network);
        var points = oracle.Points();
        oracle.Compare(descent, (a, b) => points.Average(samples => samples.Average(at => Oracle.Square(Oracle.Velocity(at, (a, b)), at.Target))));
    }

    [Fact]
    public void Nothing_is_rolled_out_or_scored_and_each_picture_has_its_own_time()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        var objectives = network.Descend(new SftAlgorithm(new SftSettings())).Objectives;
        Assert.Equal(network.Clean.Length, network.Calls.Count);
        Assert.All(network.Calls, static call => Assert.True(call.Gradient && !call.Guided));
        Assert.All(network.Calls, static call => Assert.Equal(call.Samples, call.Sigmas.Distinct().Count()));
        Assert.Equal(0, network.Scorings);
        Assert.All(objectives, static objective => Assert.DoesNotContain(objective.Measurements, static measured => measured.Name == "reward"));
    }

    [Fact]
    public void Noise_differs_from_sample_to_sample_and_from_time_to_time_and_comes_from_the_key()
    {
        using var scope = NewDisposeScope();
        double[] Noise(long seed)
        {
            var grouped = Networks.Grouped();
            var network = new PolicyNetwork { Clean = grouped.Clean, Groups = grouped.Groups, Seed = seed };
            network.Descend(new SftAlgorithm(new SftSettings { Timesteps = 2 }));
            return [.. new Oracle(network).Points().SelectMany(static samples => samples).Select(static at => Math.Round(at.Target[0] + at.Clean[0], 9))];
        }
        Assert.Equal(16, Noise(1).Distinct().Count());
        Assert.Equal(Noise(1), Noise(1));
        Assert.Empty(Noise(1).Intersect(Noise(2)));
    }
}
