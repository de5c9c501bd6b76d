using LeapAlign.Algorithms.Forward.Dgpo;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class DgpoTests
{
    private static readonly DgpoSettings s_settings = new() { Timesteps = 3, Beta = 5, TimeRangeEnd = 0.9 };

    [Theory]
    [InlineData(null, false, 0)]
    [InlineData(1e-3, false, 0)]
    [InlineData(1e-3, true, 0)]
    [InlineData(0.2, true, 500)]
    public void The_gradient_is_the_derivative_of_the_stated_loss(double? clip, bool referenceGuided, int index)
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(index: index);
        var settings = s_settings with { Clip = clip, KlWeight = 0.4, ReferenceGuided = referenceGuided };
        var descent = network.Descend(new DgpoAlgorithm(settings));
        var oracle = new Oracle(network);
        var (points, advantages) = (oracle.Points(), oracle.Advantages(settings));
        var reference = index >= 200 ? "old" : "reference";
        oracle.Compare(descent, (a, b) => points.SelectMany((samples, point) => samples.Select((at, row) =>
        {
            double Still(Oracle.Sample at) => Oracle.Square(oracle.Still(at), at.Target);
            var group = samples.Select((other, k) => (Other: other, Advantage: advantages[point / 3][k])).Where(pair => pair.Other.Group == at.Group).ToList();
            var sum = group.Average(pair => pair.Advantage * 5 * (Still(pair.Other) - Oracle.Square(oracle.Copy(reference, pair.Other), pair.Other.Target)));
            var weight = 1 / (1 + Math.Exp(-sum));
            var advantage = advantages[point / 3][row];
            var ratio = Math.Exp(Oracle.Square(oracle.Copy("old", at), at.Target) - Still(at));
            var v = Oracle.Velocity(at, (a, b));
            var clipped = advantage > 0 ? ratio > 1 + clip : ratio < 1 - clip;
            var error = clip is not null && clipped ? Still(at) : Oracle.Square(v, at.Target);
            return (weight * advantage * error) + (0.4 * Oracle.Square(v, oracle.Copy(reference, at, referenceGuided ? PolicyNetwork.Guided : 0)));
        })).Average());
    }

    [Fact]
    public void At_the_reference_groups_weigh_one_half_and_the_gradient_is_half_of_advantage_times_error()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(copies: Networks.OnPolicy);
        var settings = s_settings with { KlWeight = 1, Clip = 0.1 };
        var descent = network.Descend(new DgpoAlgorithm(settings));
        Assert.All(descent.Objectives, static objective => Assert.All(Measured(objective, "weight"), static weight => Assert.Equal(0.5, weight)));
        Assert.All(descent.Objectives, static objective => Assert.All(Measured(objective, "ratio"), static ratio => Assert.Equal(1.0, ratio)));
        Assert.All(descent.Objectives, static objective => Assert.All(Measured(objective, "kl"), static kl => Assert.Equal(0.0, kl)));
        var oracle = new Oracle(network);
        var (points, advantages) = (oracle.Points(), oracle.Advantages(settings));
        oracle.Compare(descent, (a, b) => points.SelectMany((samples, point) => samples.Select((at, row) =>
            0.5 * advantages[point / 3][row] * Oracle.Square(Oracle.Velocity(at, (a, b)), at.Target))).Average());
    }

    [Fact]
    public void With_advantages_that_add_up_to_nothing_weights_ignore_a_constant_gain()
    {
        using var scope = NewDisposeScope();
        var algorithm = new DgpoAlgorithm(s_settings);
        var (errors, reference) = (tensor([0.3, 0.1, 0.9, 0.4], dtype: float64), tensor([0.2, 0.3, 0.5, 0.6], dtype: float64));
        var balanced = tensor([0.7, -0.7, 1.2, -1.2], dtype: float64);
        double[] Weights(Tensor advantage, double constant) => algorithm.GroupWeights([3, 3, 8, 8], advantage, errors + constant, reference).data<double>().ToArray();
        Assert.All(Weights(balanced, 0).Zip(Weights(balanced, 4)), static pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.NotEqual(Weights(balanced + 1, 0), Weights(balanced + 1, 4));
        // By hand: S = β / 2 · (0.7 · 0.1 + 0.7 · 0.2) for the first group.
        Assert.Equal(1 / (1 + Math.Exp(-5 * 0.5 * 0.7 * 0.3)), Weights(balanced, 0)[0], 1e-12);
    }

    [Fact]
    public void Noise_is_shared_in_a_group_and_over_times_and_times_over_the_step()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches: 2);
        network.Descend(new DgpoAlgorithm(s_settings));
        var points = new Oracle(network).Points();
        var noise = points.SelectMany(static samples => samples).GroupBy(static at => at.Group, static at => Math.Round(at.Target[0] + at.Clean[0], 9)).ToList();
        Assert.All(noise, static group => Assert.Single(group.Distinct()));
        Assert.Equal(noise.Count, noise.Select(static group => group.First()).Distinct().Count());
        var sigmas = network.Trainings.Select(static call => Assert.Single(call.Sigmas.Distinct())).ToArray();
        Assert.Equal(sigmas[..3], sigmas[3..]);
    }

    [Fact]
    public void Incomplete_groups_are_refused()
    {
        var shape = new RunShape(new Schedule([1, 0.8, 0.5, 0.2, 0]), 6, Group: 4);
        Assert.False(new DgpoAlgorithm(s_settings).Check(shape).IsOk);
        Assert.True(new DgpoAlgorithm(s_settings).Check(shape with { Batch = 8 }).IsOk);
    }

    [Fact]
    public void The_moving_average_takes_the_references_place()
    {
        using var scope = NewDisposeScope();
        string[] Policies(int index)
        {
            var network = Networks.Grouped(index: index);
            network.Descend(new DgpoAlgorithm(s_settings with { ReferenceUntil = 10 }));
            return [.. network.Calls.Select(static call => call.Policy).Distinct().Order(StringComparer.Ordinal)];
        }
        Assert.Equal(["old", "reference", "trained"], Policies(9));
        Assert.Equal(["old", "trained"], Policies(10));
    }

    private static double[] Measured(Objective objective, string name) =>
        objective.Measurements.Single(measured => measured.Name == name).Value.data<double>().ToArray();
}
