using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Samples;

/// <summary>
/// Samples of a prompt that are compared with each other, as sides: the first of every prompt, then the second of every prompt. They share training times and noise, so that a
/// difference of their errors is one of the samples.
/// </summary>
internal static class ComparedSamples
{
    private const string Purpose = "compared-pictures";

    /// <summary>Pictures that come with prompts and have scores, as many of each prompt.</summary>
    /// <param name="step">Keeps them.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="choose">From a prompt and random numbers of the sample's own to the numbers of pictures, as many for each prompt.</param>
    public static CleanSamples OfPictures(AlignmentStep step, MicroBatch batch, Func<Prompt, KeyedRandom, int[]> choose)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int[][] chosen = [.. batch.Prompts.Select((prompt, place) => choose(prompt, batch.StepKey.For("sample", batch.Samples[place]).For("algorithm").For(Purpose).Open()))];
        var sides = Enumerable.Range(0, chosen[0].Length).Select(side => chosen.Select(own => own[side]).ToArray()).ToArray();
        return new CleanSamples
        {
            Batch = batch.Select([.. sides.SelectMany(static side => Enumerable.Range(0, side.Length))]),
            Latents = step.Keep(cat([.. sides.Select(batch.Pictures)])),
            Scores = [.. sides.SelectMany(side => side.Select((picture, place) => batch.Prompts[place].Scores[picture]))],
            Sides = sides.Length,
        };
    }

    /// <summary>Some of a prompt's pictures, each at most once.</summary>
    /// <exception cref="FaultException">It has not as many.</exception>
    public static int[] Any(string algorithm, Prompt prompt, KeyedRandom random, int count) => prompt.Pictures.Count >= count
        ? random.Shuffle(Enumerable.Range(0, prompt.Pictures.Count))[..count]
        : throw new FaultException(new Fault.Run(FaultCodes.TooFewPictures, $"'{algorithm}' compares {count} pictures of a prompt, and '{prompt.Text}' comes with {prompt.Pictures.Count}; lower the algorithm's group, or raise that of the prompts, which leaves such captions out"));

    /// <summary>Samples of a rollout, rearranged: those of a group are sides of one sample, whose prompt and noise they share.</summary>
    /// <param name="step">Keeps them.</param>
    /// <param name="rolled">The micro-batch.</param>
    /// <param name="groups">The places of each group's samples, as many for each, at least one group.</param>
    public static CleanSamples OfRollout(AlignmentStep step, CleanSamples rolled, IReadOnlyList<int[]> groups)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int[] places = [.. Enumerable.Range(0, groups[0].Length).SelectMany(side => groups.Select(group => group[side]))];
        return new CleanSamples
        {
            Batch = rolled.Batch.Select([.. Enumerable.Repeat(groups.Select(static group => group.Min()), groups[0].Length).SelectMany(static first => first)]),
            Latents = step.Keep(stack([.. places.Select(place => rolled.Latents[place])])),
            Scores = [.. places.Select(place => rolled.Scores[place])],
            Rewards = rolled.Rewards,
            Sides = groups[0].Length,
        };
    }

    /// <summary>The places of each prompt's samples in a micro-batch.</summary>
    public static IReadOnlyList<int[]> Groups(CleanSamples samples) =>
        [.. Enumerable.Range(0, samples.Batch.Prompts.Count).GroupBy(place => samples.Batch.Prompts[place].Id).Select(static group => group.ToArray())];

    /// <summary>Says whether a micro-batch holds whole groups of at least two.</summary>
    public static Result<Unit> CheckGroups(string algorithm, RunShape shape)
    {
        if (shape.Group < 2) return Misfit($"'{algorithm}' compares the samples of a prompt, and run.group is {shape.Group}; it has to be at least 2");
        return shape.Batch % shape.Group == 0 ? Unit.Value : Misfit($"'{algorithm}' needs whole groups in each micro-batch, and run.batch ({shape.Batch}) is no multiple of run.group ({shape.Group})");
    }

    private static Fault.Composition Misfit(string message) => new(FaultCodes.SettingsDoNotFit, message);
}
