using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>Which steps of a rollout are random, and which of them are trained, in the order of their training.</summary>
/// <param name="Random">Steps with noise.</param>
/// <param name="Trained">Steps with an objective; never the last of the schedule.</param>
public sealed record StepChoice(IReadOnlySet<int> Random, IReadOnlyList<int> Trained)
{
    /// <summary>Every step but the last is trained.</summary>
    /// <param name="steps">N.</param>
    /// <param name="noisyLast">Whether the last is random, too.</param>
    public static StepChoice AllButLast(int steps, bool noisyLast) =>
        new(Enumerable.Range(0, noisyLast ? steps : steps - 1).ToHashSet(), [.. Enumerable.Range(0, steps - 1)]);

    /// <summary>A window: its steps are random and trained, all others follow the ODE.</summary>
    public static StepChoice Window(int first, int length)
    {
        int[] window = [.. Enumerable.Range(first, length)];
        return new(window.ToHashSet(), window);
    }

    /// <summary>A share of all steps but the last, in random order; every step is random.</summary>
    public static StepChoice Share(int steps, double share, RandomKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var count = Math.Max(1, (int)(share * (steps - 1)));
        return new(Enumerable.Range(0, steps).ToHashSet(), [.. key.Open().Shuffle(Enumerable.Range(0, steps - 1)).Take(count)]);
    }
}
