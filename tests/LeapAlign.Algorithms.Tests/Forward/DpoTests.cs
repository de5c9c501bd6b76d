using LeapAlign.Algorithms.Forward.Dpo;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class DpoTests
{
    private static readonly DpoSettings s_settings = new() { Beta = 3, Timesteps = 2 };

    [Fact]
    public void Agrees_with_the_specification()
    {
        using var scope = NewDisposeScope();
        var logit = new DpoAlgorithm(s_settings with { Beta = 100 }).Logit(tensor([0.52, 0.31], dtype: float64), tensor([0.5, 0.3], dtype: float64));
        Assert.Equal(-0.5, logit.item<double>(), 1e-12);
        Assert.Equal(0.974076984, nn.functional.softplus(logit.neg()).item<double>(), 1e-9);
    }

    [Fact]
    public void At_the_reference_the_loss_is_ln_2_and_its_slopes_are_a_quarter_of_beta()
    {
        using var scope = NewDisposeScope();
        var algorithm = new DpoAlgorithm(s_settings);
        var errors = tensor([0.3, 0.7], dtype: float64).requires_grad_();
        nn.functional.softplus(algorithm.Logit(errors, errors.detach()).neg()).mean().backward();
        Assert.Equal([3 / 4.0, -3 / 4.0], errors.grad!.data<double>().ToArray());
        var network = Networks.Grouped(copies: Networks.OnPolicy);
        Assert.All(network.Descend(algorithm).Objectives, static objective => Assert.Equal(Math.Log(2), objective.Loss.item<double>(), 1e-12));
    }

    [Fact]
    public void Swapping_the_sides_negates_the_logit()
    {
        using var scope = NewDisposeScope();
        var algorithm = new DpoAlgorithm(s_settings);
        var (errors, reference) = (tensor([0.3, 0.7], dtype: float64), tensor([0.4, 0.2], dtype: float64));
        Assert.Equal(-algorithm.Logit(errors, reference).item<double>(), algorithm.Logit(errors.flip(0), reference.flip(0)).item<double>(), 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void The_gradient_is_the_derivative_of_the_stated_loss_however_groups_are_spread(int batches)
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped(batches);
        var descent = network.Descend(new DpoAlgorithm(s_settings));
        Compare(network, descent, Pairs(network));
    }

    [Theory]
    [InlineData(0, 0, 0, 0, 1, 1)]
    [InlineData(0, 0, 1, 1, 2, 2)]
    public void The_loss_is_the_mean_over_pairs_when_groups_lie_across_micro_batches(params int[] groups)
    {
        using var scope = NewDisposeScope();
        // The micro-batches have different numbers of best samples, and a sample of the same place in the other one has another prompt.
        var network = new PolicyNetwork
        {
            Clean = [.. Networks.Grouped(batches: 1).Clean[0][..6].Chunk(3)],
            Groups = [.. groups.Chunk(3)],
        };
        Compare(network, network.Descend(new DpoAlgorithm(s_settings with { Timesteps = 1 })), Pairs(network));
    }

    [Fact]
    public void Pairs_come_from_the_pictures_of_the_prompts()
    {
        using var scope = NewDisposeScope();
        var (preferred, rejected) = (Networks.Grouped(dimensions: 4), Networks.Grouped(dimensions: 4).Clean.Reverse().ToArray());
        var network = new PolicyNetwork { Clean = preferred.Clean, Groups = [[0, 1, 2, 3], [4, 5, 6, 7]], Rejected = rejected };
        var descent = network.Descend(new DpoAlgorithm(s_settings with { Source = PairSource.Preferences }));
        Assert.Equal(0, network.Scorings);
        Assert.Equal(network.Calls.Count, 2 * network.Trainings.Count());
        Compare(network, descent, preferred.Clean.SelectMany((batch, index) => batch.Select((sample, row) => (sample, rejected[index][row]))));
    }

    [Fact]
    public void The_reference_samples_unless_the_policy_is_asked_to()
    {
        using var scope = NewDisposeScope();
        string Sampler(DpoSettings settings)
        {
            var network = Networks.Grouped(batches: 1);
            network.Descend(new DpoAlgorithm(settings));
            return Assert.Single(network.Calls.Take(network.Schedule.Steps).Select(static call => call.Policy).Distinct());
        }
        Assert.Equal(PolicyCopy.Reference, Sampler(s_settings));
        Assert.Equal(PolicyNetwork.Trained, Sampler(s_settings with { Rollout = RolloutPolicy.Policy }));
        Assert.Equal("refreshed", Sampler(s_settings with { RefreshEvery = 40 }));
    }

    [Fact]
    public void The_two_sides_share_prompt_time_and_noise()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        network.Descend(new DpoAlgorithm(s_settings));
        var sides = Pairs(network).ToList();
        Assert.All(network.Trainings, call =>
        {
            var pairs = call.Samples / 2;
            Assert.Equal(call.Groups[..pairs], call.Groups[pairs..]);
            Assert.Equal(call.Sigmas[..pairs], call.Sigmas[pairs..]);
            Assert.Equal(pairs, call.Sigmas.Distinct().Count());
            for (var pair = 0; pair < pairs; pair++)
            {
                var (winner, loser) = sides[call.Groups[pair]];
                for (var d = 0; d < winner.Length; d++)
                    Assert.Equal(call.Latents[pair][d] - ((1 - call.Sigmas[pair]) * winner[d]), call.Latents[pair + pairs][d] - ((1 - call.Sigmas[pair]) * loser[d]), 1e-12);
            }
        });
    }

    [Fact]
    public void Of_equal_samples_the_second_is_preferred_to_the_first()
    {
        using var scope = NewDisposeScope();
        // The same reward from different samples.
        var network = new PolicyNetwork { Clean = [[[0.0, 0.5, 0.25], [0.0, 0.25, 0.5], [0.0, 0.75, 0.0]]], Groups = [[0, 0, 0]] };
        List<Fault> told = [];
        var descent = network.Descend(new DpoAlgorithm(s_settings) { Warn = told.Add });
        Compare(network, descent, [(network.Clean[0][1], network.Clean[0][0])]);
        var warning = Assert.Single(told);
        Assert.Equal(FaultCodes.PreferenceTie, warning.Code);
        Assert.Contains("1 of 1 pairs", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_said_of_pairs_that_differ()
    {
        using var scope = NewDisposeScope();
        List<Fault> told = [];
        Networks.Grouped().Descend(new DpoAlgorithm(s_settings) { Warn = told.Add });
        Assert.Empty(told);
    }

    [Fact]
    public void The_refreshed_reference_becomes_the_policy_after_every_n_steps()
    {
        Assert.Empty(new DpoAlgorithm(s_settings).Copies);
        var copy = Assert.Single(new DpoAlgorithm(s_settings with { RefreshEvery = 3 }).Copies);
        Assert.Equal([1, 1, 0, 1, 1, 0], Enumerable.Range(0, 6).Select(copy.Decay));
    }

    [Fact]
    public void What_it_requires_follows_from_where_pairs_and_the_reference_come_from()
    {
        Assert.Equal([Capabilities.GroupedPrompts, Capabilities.ReferencePolicy], DpoAlgorithm.Requires(s_settings));
        Assert.Equal([Capabilities.PreferencePairs], DpoAlgorithm.Requires(s_settings with { Source = PairSource.Preferences, RefreshEvery = 5 }));
        var shape = new RunShape(new Schedule([1, 0.5, 0]), 4);
        Assert.False(new DpoAlgorithm(s_settings).Check(shape).IsOk);
        Assert.True(new DpoAlgorithm(s_settings).Check(shape with { Group = 2 }).IsOk);
        Assert.True(new DpoAlgorithm(s_settings with { Source = PairSource.Preferences }).Check(shape).IsOk);
    }

    /// <summary>The best and the worst sample of each prompt.</summary>
    private static IEnumerable<(double[] Preferred, double[] Rejected)> Pairs(PolicyNetwork network) =>
        network.Groups.SelectMany(static groups => groups).Zip(network.Clean.SelectMany(static batch => batch)).GroupBy(static sample => sample.First, static sample => sample.Second)
            .OrderBy(static group => group.Key)
            .Select(static group => (group.MaxBy(PolicyNetwork.Reward)!, group.MinBy(PolicyNetwork.Reward)!));

    private static void Compare(PolicyNetwork network, PolicyNetwork.Descent descent, IEnumerable<(double[] Preferred, double[] Rejected)> pairs)
    {
        var oracle = new Oracle(network);
        (double[] Preferred, double[] Rejected)[] expected = [.. pairs];
        // By prompt, whose numbers are those of the pairs.
        var points = oracle.Points(number =>
        {
            var groups = network.Trainings.ElementAt(number).Groups;
            return [.. groups.Select((group, row) => row < groups.Length / 2 ? expected[group].Preferred : expected[group].Rejected)];
        });
        oracle.Compare(descent, (a, b) => points.SelectMany(samples => Enumerable.Range(0, samples.Length / 2).Select(pair =>
        {
            double Gain(Oracle.Sample at) => Oracle.Square(Oracle.Velocity(at, (a, b)), at.Target) - Oracle.Square(oracle.Copy("reference", at), at.Target);
            return Math.Log(1 + Math.Exp(0.5 * 3 * (Gain(samples[pair]) - Gain(samples[pair + (samples.Length / 2)]))));
        })).Average());
    }
}
