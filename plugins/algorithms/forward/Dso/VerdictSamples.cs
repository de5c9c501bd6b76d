using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Dso;

/// <summary>Samples of a step with their verdicts: pairs of one that passed and one that failed, or samples by themselves.</summary>
/// <param name="algorithm">Its id, for messages.</param>
/// <param name="settings">Where they come from.</param>
internal sealed class VerdictSamples(string algorithm, DsoSettings settings)
{
    private const double Passed = 0.5;

    /// <summary>The samples, micro-batch by micro-batch; a micro-batch without any is left out.</summary>
    public IEnumerable<CleanSamples> Of(AlignmentStep step) => settings.Source == SampleSource.Pictures
        ? step.Batches.Select(batch => ComparedSamples.OfPictures(step, batch, Choose))
        : CleanSamples.Roll(step, settings.RolloutGuided).Select(rolled => Judged(step, rolled)).OfType<CleanSamples>();

    /// <summary>Why a step has no samples.</summary>
    public static string Nothing(DsoSettings settings) => settings.Pairs ? "no prompt had a sample that passed and one that failed" : "no sample had a verdict";

    private int[] Choose(Prompt prompt, KeyedRandom random)
    {
        if (!settings.Pairs) return ComparedSamples.Any(algorithm, prompt, random, 1);
        var verdicts = random.Shuffle(Enumerable.Range(0, prompt.Scores.Count)).ToLookup(number => prompt.Scores[number] > Passed);
        return [verdicts[true].First(), verdicts[false].First()];
    }

    private CleanSamples? Judged(AlignmentStep step, CleanSamples rolled)
    {
        int[] known = [.. Enumerable.Range(0, rolled.Scores.Length).Where(place => !double.IsNaN(rolled.Scores[place]))];
        if (known.Length == 0) return null;
        var judged = Verdicts(step, rolled, known);
        IReadOnlyList<int[]> chosen = settings.Pairs
            ? [.. known.GroupBy(place => rolled.Batch.Prompts[place].Id).Select(group => Pair(rolled, judged.Scores, [.. group])).OfType<int[]>()]
            : [.. known.Select(static place => new[] { place })];
        return chosen.Count == 0 ? null : ComparedSamples.OfRollout(step, judged, chosen);
    }

    // The mean of rewards that is shown is one over those that there are.
    private CleanSamples Verdicts(AlignmentStep step, CleanSamples rolled, int[] known)
    {
        using var scope = NewDisposeScope();
        return new CleanSamples
        {
            Batch = rolled.Batch,
            Latents = rolled.Latents,
            Rewards = step.Keep(stack([.. known.Select(place => rolled.Rewards![place])])),
            Scores = Array.ConvertAll(rolled.Scores, reward => reward >= settings.Threshold ? 1.0 : 0),
        };
    }

    // Which of several is drawn under the key of the group's first sample.
    private static int[]? Pair(CleanSamples rolled, double[] verdicts, int[] group)
    {
        var batch = rolled.Batch;
        var random = batch.StepKey.For("sample", batch.Samples[group[0]]).For("algorithm").For("verdict-pair").Open();
        var sides = random.Shuffle(group).ToLookup(place => verdicts[place] > Passed);
        return sides[true].Any() && sides[false].Any() ? [sides[true].First(), sides[false].First()] : null;
    }
}
