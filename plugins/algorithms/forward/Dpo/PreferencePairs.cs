using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Dpo;

/// <summary>
/// Pairs of a preferred and a rejected sample of one prompt: P preferred ones, then their P rejected ones, as samples of two sides. Both are evaluated
/// together, and nothing else of a group is.
/// </summary>
internal static class PreferencePairs
{
    /// <summary>The best and the worst sample of each group. A group may be spread over micro-batches; its pair goes with its best sample's.</summary>
    /// <param name="step">Keeps what is selected.</param>
    /// <param name="samples">All micro-batches of the step, with advantages.</param>
    /// <param name="tied">Is told how many of the pairs have two samples of the same advantage, when any have.</param>
    public static IReadOnlyList<CleanSamples> Of(AlignmentStep step, IReadOnlyList<CleanSamples> samples, Action<int, int> tied)
    {
        Place[] places = [.. samples.SelectMany((micro, batch) => Enumerable.Range(0, micro.Advantages.Length).Select(index => new Place(batch, index)))];
        var batches = step.Batches.Count / step.Shards;
        PlacedPair[] all = [.. places.GroupBy(place => (place.Batch / batches, samples[place.Batch].Batch.Prompts[place.Index].Id)).Select(group => Pair([.. group], samples))];
        var ties = all.Count(pair => samples[pair.Best.Batch].Advantages[pair.Best.Index] == samples[pair.Worst.Batch].Advantages[pair.Worst.Index]);
        if (ties > 0) tied(ties, all.Length);
        return [.. all.GroupBy(static pair => pair.Best.Batch)
            .Select(pairs => Together(step, samples, [.. pairs]))];
    }

    /// <summary>The pictures that come with prompts, the preferred one first.</summary>
    public static CleanSamples Of(AlignmentStep step, MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int[] prompts = [.. Enumerable.Range(0, batch.Prompts.Count)];
        return new CleanSamples
        {
            Batch = batch.Select([.. prompts, .. prompts]),
            Latents = step.Keep(cat([batch.Pictures(0), batch.Pictures(1)])),
            Sides = 2,
        };
    }

    private static PlacedPair Pair(Place[] group, IReadOnlyList<CleanSamples> samples)
    {
        double Advantage(Place place) => samples[place.Batch].Advantages[place.Index];
        var (best, worst) = (group.MaxBy(Advantage), group.MinBy(Advantage));
        // A group of equals has no best one: Flow-GRPO's DPO takes its second sample and its first.
        return Advantage(best) > Advantage(worst) || group.Length < 2 ? new(best, worst, group) : new(group[1], group[0], group);
    }

    private static CleanSamples Together(AlignmentStep step, IReadOnlyList<CleanSamples> samples, PlacedPair[] pairs)
    {
        using var scope = NewDisposeScope();
        int[] best = [.. pairs.Select(static pair => pair.Best.Index)];
        return new CleanSamples
        {
            // The rejected sample has the preferred one's prompt, wherever it was sampled.
            Batch = samples[pairs[0].Best.Batch].Batch.Select([.. best, .. best]),
            Latents = step.Keep(Stack(pairs.Select(static pair => pair.Best).Concat(pairs.Select(static pair => pair.Worst)), place => samples[place.Batch].Latents[place.Index])),
            Rewards = step.Keep(Stack(pairs.SelectMany(static pair => pair.Group), place => samples[place.Batch].Rewards![place.Index])),
            Sides = 2,
        };
    }

    private static Tensor Stack(IEnumerable<Place> places, Func<Place, Tensor> value) => stack([.. places.Select(value)]);

    private readonly record struct Place(int Batch, int Index);

    private sealed record PlacedPair(Place Best, Place Worst, Place[] Group);
}
