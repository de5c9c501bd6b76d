using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Methods.Groups;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Tests;

public sealed class GroupAdvantagesTests
{
    private static readonly Settings Free = new() { AdvantageLimit = 1e6 };

    [Property(MaxTest = 200)]
    public bool Before_the_limit_each_group_has_mean_zero(long seed, DeviationScope scope, RewardAggregation aggregation, bool unbiased)
    {
        var (groups, rewards) = Sample(seed, rewards: 2);
        var advantages = GroupAdvantages.Of(groups, rewards, Free with { AdvantageDeviation = scope, Aggregation = aggregation, UnbiasedDeviation = unbiased });
        return groups.Distinct().All(group => Math.Abs(Members(groups, advantages, group).Average()) < 1e-6);
    }

    [Property(MaxTest = 200)]
    public bool Adding_to_the_rewards_of_one_prompt_changes_nothing_within_groups(long seed, RewardAggregation aggregation, int offset)
    {
        var (groups, rewards) = Sample(seed, rewards: 2);
        var settings = Free with { AdvantageDeviation = DeviationScope.Group, Aggregation = aggregation };
        var moved = rewards.Select(reward => reward with { Values = [.. reward.Values.Select((value, sample) => groups[sample] == groups[0] ? value + (offset % 100) : value)] }).ToList();
        return Close(GroupAdvantages.Of(groups, rewards, settings), GroupAdvantages.Of(groups, moved, settings), 1e-8);
    }

    [Property(MaxTest = 200)]
    public bool Only_the_floor_sees_the_scale_of_the_rewards(long seed, DeviationScope scope, RewardAggregation aggregation, PositiveInt factor)
    {
        var (groups, rewards) = Sample(seed, rewards: 2);
        var settings = Free with { AdvantageDeviation = scope, Aggregation = aggregation, DeviationFloor = 1e-12 };
        var scaled = rewards.Select(reward => reward with { Values = [.. reward.Values.Select(value => value * (1 + (factor.Get % 50)))] }).ToList();
        return Close(GroupAdvantages.Of(groups, rewards, settings), GroupAdvantages.Of(groups, scaled, settings), 1e-7);
    }

    [Property(MaxTest = 200)]
    public bool The_order_of_samples_does_not_matter(long seed, DeviationScope scope, RewardAggregation aggregation)
    {
        var (groups, rewards) = Sample(seed, rewards: 2);
        var order = RandomKey.OfRun(seed).For("order").Open().Shuffle(Enumerable.Range(0, groups.Length));
        var settings = Free with { AdvantageDeviation = scope, Aggregation = aggregation };
        var straight = GroupAdvantages.Of(groups, rewards, settings);
        var shuffled = GroupAdvantages.Of(
            [.. order.Select(sample => groups[sample])],
            [.. rewards.Select(reward => reward with { Values = [.. order.Select(sample => reward.Values[sample])] })],
            settings);
        return Close([.. order.Select(sample => straight[sample])], shuffled, 1e-9);
    }

    [Property(MaxTest = 100)]
    public bool With_the_deviation_of_the_step_the_mean_square_is_the_share_of_variance_within_groups(long seed)
    {
        var (groups, rewards) = Sample(seed, rewards: 1);
        var values = rewards[0].Values;
        var square = GroupAdvantages.Of(groups, rewards, Free with { DeviationFloor = 1e-12 }).Average(static advantage => advantage * advantage);
        var within = groups.Select((group, sample) => Math.Pow(values[sample] - Members(groups, values, group).Average(), 2)).Average();
        var all = values.Average(value => Math.Pow(value - values.Average(), 2));
        return Math.Abs(square - (within / all)) < 1e-8 && square <= 1 + 1e-9;
    }

    [Property(MaxTest = 100)]
    public bool The_limit_cuts_both_ends(long seed, PositiveInt tenths)
    {
        var (groups, rewards) = Sample(seed, rewards: 1);
        var limit = 0.1 * (1 + (tenths.Get % 20));
        var free = GroupAdvantages.Of(groups, rewards, Free);
        return Close(GroupAdvantages.Of(groups, rewards, Free with { AdvantageLimit = limit }), [.. free.Select(advantage => Math.Clamp(advantage, -limit, limit))], 0);
    }

    [Theory]
    [InlineData(DeviationScope.Global, false, 1.4142135623730951)]
    [InlineData(DeviationScope.Group, false, 1.0)]
    [InlineData(DeviationScope.Global, true, 1.632993161855452)]
    [InlineData(DeviationScope.Group, true, 1.4142135623730951)]
    public void Deviations_are_those_of_the_group_or_of_the_step_over_K_or_K_less_one(DeviationScope scope, bool unbiased, double deviation)
    {
        // Squares about the mean of 2: 1 and 1 in the first group, 3 and 3 in the second.
        double[] values = [1, 3, 2 - Math.Sqrt(3), 2 + Math.Sqrt(3)];
        var settings = Free with { AdvantageDeviation = scope, UnbiasedDeviation = unbiased, DeviationFloor = 0.5 };
        var advantages = GroupAdvantages.Of([0, 0, 1, 1], [new(1, values)], settings);
        Assert.Equal(1 / (deviation + 0.5), advantages[1], 1e-12);
        Assert.Equal(-advantages[1], advantages[0], 1e-12);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1e9 / 3)]
    public void Equal_rewards_give_exactly_zero(double value)
    {
        foreach (var scope in Enum.GetValues<DeviationScope>())
        {
            foreach (var aggregation in Enum.GetValues<RewardAggregation>())
            {
                var settings = Free with { AdvantageDeviation = scope, Aggregation = aggregation, DeviationFloor = 1e-12 };
                double[] equal = [.. Enumerable.Repeat(value, 6)];
                Assert.All(GroupAdvantages.Of([0, 0, 0, 1, 1, 1], [new(1, equal), new(0.7, equal)], settings), static advantage => Assert.Equal(0, advantage));
                // Each prompt has a level of its own, which is no advantage of any of its samples.
                Assert.All(GroupAdvantages.Of([0, 0, 0, 1, 1, 1], [new(1, [value, value, value, 2, 2, 2])], settings), static advantage => Assert.Equal(0, advantage));
            }
        }
    }

    [Fact]
    public void Several_rewards_are_summed_before_or_after_they_are_normalised()
    {
        int[] groups = [0, 0, 1, 1];
        // The second reward is a thousand times the first, in the other direction in the second group.
        WeightedRewards[] rewards = [new(1, [0, 1, 0, 1]), new(0.5, [0, 1000, 1000, 0])];
        var within = Free with { AdvantageDeviation = DeviationScope.Group, DeviationFloor = 1e-12 };
        Near([-1, 1, 1, -1], GroupAdvantages.Of(groups, rewards, within));
        Near([-1.5, 1.5, -0.5, 0.5], GroupAdvantages.Of(groups, rewards, within with { Aggregation = RewardAggregation.PerReward }));
        var whole = Math.Sqrt(((1.5 * 1.5) + (0.5 * 0.5)) / 2);
        Near([-1.5 / whole, 1.5 / whole, -0.5 / whole, 0.5 / whole], GroupAdvantages.Of(groups, rewards, within with { Aggregation = RewardAggregation.Decoupled }));

        static void Near(double[] expected, double[] actual) => Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, 1e-9));
    }

    [Fact]
    public void Groups_reach_across_micro_batches_and_each_sample_gets_its_own()
    {
        using var scope = NewDisposeScope();
        int[][] prompts = [[7, 3, 7], [3, 7, 3]];
        double[][] values = [[1, 10, 2], [20, 6, 60]];
        var settings = Free with { AdvantageDeviation = DeviationScope.Group };
        var batches = prompts.Select(Batch).ToList();
        var advantages = GroupAdvantages.Of(new AlignmentStep(new ScriptedStep(static (latents, _) => latents, Scores.Of)) { Index = 0, Batches = batches, Random = RandomKey.OfRun(0) }, [.. values.Select(static own => Scores.Of(tensor(own)))], settings);
        var flat = GroupAdvantages.Of([.. prompts.SelectMany(static own => own)], [new(1, [.. values.SelectMany(static own => own)])], settings);
        Assert.Equal([3, 3], advantages.Select(static own => own.Length));
        Assert.Equal(flat, advantages.SelectMany(static own => own));
        Assert.Equal(0, advantages[0][0] + advantages[0][2] + advantages[1][1], 1e-12);
        Assert.Equal(0, advantages[0][1] + advantages[1][0] + advantages[1][2], 1e-12);
        Assert.True(advantages[1][1] > 1 && advantages[1][2] > 1);
    }

    private static MicroBatch Batch(int[] prompts) => new(new ScriptedStep(static (latents, _) => latents, Scores.Of))
    {
        Prompts = [.. prompts.Select(static id => new Prompt(id, "prompt"))],
        Noise = zeros(prompts.Length),
        Schedule = Sigmas.Explicit(2, 1),
        Sampler = null!,
        Samples = [.. Enumerable.Range(0, prompts.Length)],
        Random = RandomKey.OfRun(0),
        StepKey = RandomKey.OfRun(0),
    };

    private static double[] Members(int[] groups, double[] values, int group) => [.. values.Where((_, sample) => groups[sample] == group)];

    private static bool Close(double[] left, double[] right, double tolerance) => left.Length == right.Length && left.Zip(right).All(pair => Math.Abs(pair.First - pair.Second) <= tolerance);

    private static (int[] Groups, List<WeightedRewards> Rewards) Sample(long seed, int rewards)
    {
        var random = RandomKey.OfRun(seed).Open();
        var (size, count) = (random.NextInt(2, 6), random.NextInt(2, 6));
        int[] groups = random.Shuffle(Enumerable.Range(0, size * count).Select(sample => sample % count));
        return (groups, [.. Enumerable.Range(0, rewards).Select(_ => new WeightedRewards(0.5 + random.NextDouble(), [.. groups.Select(group => group + random.NextNormal())]))]);
    }

    private sealed record Settings : AdvantageSettings;
}
