using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Groups;

/// <summary>
/// How much better each sample is than the others of its prompt: <c>A = (r − mean_group) / (deviation + floor)</c>, in fp64 (Flow-GRPO, arXiv 2505.05470,
/// equation 4; the variants are those of DanceGRPO, MixGRPO and Flow-Factory).
/// </summary>
public static class GroupAdvantages
{
    /// <summary>The advantages of a step, grouped by prompt over all its micro-batches, those of other processes included.</summary>
    /// <param name="step">The step.</param>
    /// <param name="scores">What each of its micro-batches was given.</param>
    /// <param name="settings">Normalisation and limit.</param>
    /// <returns>For each micro-batch, one number for each sample.</returns>
    public static double[][] Of(AlignmentStep step, IReadOnlyList<Scores> scores, AdvantageSettings settings)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(scores);
        int[] groups = [.. step.OfAllSamples([.. step.Batches.SelectMany(static batch => batch.Prompts).Select(static prompt => (double)prompt.Id)]).Select(static id => (int)id)];
        var columns = scores[0].Columns.Select((column, index) =>
            new WeightedRewards(column.Weight, step.OfAllSamples([.. scores.SelectMany(score => Numbers(score.Columns[index].Values))]))).ToList();
        var advantages = Of(groups, columns, settings);
        // In one process the samples are all of the step; in several, those from the number of the first of them on.
        var taken = advantages.Length == step.Batches.Sum(static batch => batch.Prompts.Count) ? 0 : (int)step.Batches[0].Samples[0];
        return [.. step.Batches.Select(batch => advantages[taken..(taken += batch.Prompts.Count)])];
    }

    /// <summary>The advantages of samples.</summary>
    /// <param name="groups">Samples with the same number are a group.</param>
    /// <param name="rewards">For each reward, one value for each sample.</param>
    /// <param name="settings">Normalisation and limit.</param>
    /// <returns>One number for each sample, in [−limit, limit]; 0 for a group whose rewards are all equal.</returns>
    public static double[] Of(IReadOnlyList<int> groups, IReadOnlyList<WeightedRewards> rewards, AdvantageSettings settings)
    {
        ArgumentNullException.ThrowIfNull(groups);
        ArgumentNullException.ThrowIfNull(rewards);
        ArgumentNullException.ThrowIfNull(settings);
        var advantages = settings.Aggregation switch
        {
            RewardAggregation.Sum => Normalized(groups, Sum(rewards), settings, settings.AdvantageDeviation),
            RewardAggregation.PerReward => Sum(Each(settings.AdvantageDeviation)),
            _ => Whole(Sum(Each(DeviationScope.Group)), settings),
        };
        return Array.ConvertAll(advantages, advantage => Math.Clamp(advantage, -settings.AdvantageLimit, settings.AdvantageLimit));

        IReadOnlyList<WeightedRewards> Each(DeviationScope scope) =>
            [.. rewards.Select(reward => reward with { Values = Normalized(groups, reward.Values, settings, scope) })];
    }

    private static double[] Normalized(IReadOnlyList<int> groups, double[] values, AdvantageSettings settings, DeviationScope scope)
    {
        var advantages = new double[values.Length];
        var overall = Deviation(values, settings);
        foreach (var members in Enumerable.Range(0, values.Length).GroupBy(index => groups[index]))
        {
            int[] indices = [.. members];
            double[] own = [.. indices.Select(index => values[index])];
            var mean = own.Average();
            var deviation = scope == DeviationScope.Global ? overall : Deviation(own, settings);
            // Equal rewards have no deviation from their mean, whatever rounding says of it.
            var equal = own.All(value => value == own[0]);
            foreach (var index in indices) advantages[index] = equal ? 0 : (values[index] - mean) / (deviation + settings.DeviationFloor);
        }
        return advantages;
    }

    private static double[] Whole(double[] values, AdvantageSettings settings)
    {
        var (mean, deviation) = (values.Average(), Deviation(values, settings));
        return Array.ConvertAll(values, value => (value - mean) / (deviation + settings.DeviationFloor));
    }

    private static double Deviation(double[] values, AdvantageSettings settings)
    {
        if (values.Length < 2) return 0;
        var mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (settings.UnbiasedDeviation ? values.Length - 1 : values.Length));
    }

    private static double[] Sum(IReadOnlyList<WeightedRewards> rewards)
    {
        var sum = new double[rewards[0].Values.Length];
        foreach (var (weight, values) in rewards)
        {
            for (var i = 0; i < sum.Length; i++) sum[i] += weight * values[i];
        }
        return sum;
    }

    private static double[] Numbers(Tensor values)
    {
        using var numbers = values.detach().to(ScalarType.Float64).cpu().contiguous();
        return numbers.data<double>().ToArray();
    }
}

/// <summary>One reward's values.</summary>
/// <param name="Weight">Its factor.</param>
/// <param name="Values">One for each sample.</param>
public sealed record WeightedRewards(double Weight, double[] Values);
