using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Algorithms.Direct;

/// <summary>What a DRTune step trains.</summary>
/// <param name="Stop">e, the step whose prediction is scored.</param>
/// <param name="Trained">The steps 0 ≤ i ≤ e whose evaluation has a gradient, rising.</param>
public sealed record DrtuneSteps(int Stop, IReadOnlyList<int> Trained)
{
    /// <summary>
    /// Draws the stop <c>e = N − r</c> with r uniform in {1, …, M}, then the start of K steps that lie <c>max(1, ⌊(e + 1)/K⌋)</c> apart.
    /// </summary>
    /// <param name="settings">K and M.</param>
    /// <param name="key">The key of the draws.</param>
    /// <param name="steps">N.</param>
    public static DrtuneSteps Draw(DrtuneSettings settings, RandomKey key, int steps)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(key);
        var random = key.Open();
        var latest = Latest(settings, steps);
        var stop = latest > 0 ? steps - random.NextInt(1, latest + 1) : steps - 1;
        var (length, count) = (stop + 1, settings.TrainedSteps);
        if (count >= length) return new DrtuneSteps(stop, [.. Enumerable.Range(0, length)]);
        var stride = Math.Max(1, length / count);
        var start = random.NextInt(0, length - ((count - 1) * stride));
        return new DrtuneSteps(stop, [.. Enumerable.Range(0, count).Select(place => start + (place * stride))]);
    }

    /// <summary>M, at most N; 0 when the rollout never stops early. Halves round to even, as in the published code.</summary>
    internal static int Latest(DrtuneSettings settings, int steps) =>
        Math.Min(steps, settings.EarlyStopSteps ?? (int)Math.Round(settings.EarlyStopRatio * steps, MidpointRounding.ToEven));
}
