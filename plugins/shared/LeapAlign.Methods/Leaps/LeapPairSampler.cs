using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Steps;
using LeapAlign.Pipeline;

namespace LeapAlign.Methods.Leaps;

/// <summary>
/// Draws the anchors, in reverse indices r = N − i (r = 1 is the last network call), within a window [m, M). The draw depends on its key alone, so all
/// ranks draw the same.
/// </summary>
/// <param name="algorithm">The id of the algorithm, for faults.</param>
/// <param name="settings">Mode and window.</param>
public sealed class LeapPairSampler(string algorithm, LeapPairSettings settings)
{
    private const int SmallestWindow = 3;

    /// <summary>Draws a pair.</summary>
    /// <param name="key">The key of the draw.</param>
    /// <param name="steps">N.</param>
    /// <exception cref="FaultException">The window holds fewer than three steps.</exception>
    public LeapPair Draw(RandomKey key, int steps)
    {
        ArgumentNullException.ThrowIfNull(key);
        var random = key.Open();
        var (low, high) = Window(steps).Match(static window => window, static fault => throw new FaultException(fault));
        return settings.Anchors switch
        {
            LeapPairMode.Dirichlet => Dirichlet(random, steps, low, high),
            LeapPairMode.Midpoint => Midpoint(random, steps, low, high),
            LeapPairMode.MidpointJ => MidpointJ(random, steps, low, high),
            _ => Uniform(random, steps, low, high),
        };
    }

    /// <summary>The reverse indices [low, high) in which anchors may lie.</summary>
    /// <returns>LA3003 when there are fewer than three of them.</returns>
    public Result<(int Low, int High)> Window(int steps)
    {
        var tail = Tail(steps).Count;
        var low = settings.MinReverse;
        var high = Math.Min(tail + 1, settings.MaxReverse ?? (steps + 1));
        if (high - low >= SmallestWindow) return (low, high);
        return new Fault.Composition(
            FaultCodes.SettingsDoNotFit,
            $"'{algorithm}' needs at least {SmallestWindow} steps to draw its anchors from, but its window (minReverse {low}, maxReverse {settings.MaxReverse?.ToString() ?? "N + 1"}, tailRatio {settings.TailRatio}) leaves {Math.Max(0, high - low)} of the sampler's {steps}");
    }

    /// <summary>The last steps of the schedule, in which anchors may lie before <c>minReverse</c> and <c>maxReverse</c> narrow them further.</summary>
    /// <param name="steps">N.</param>
    public StepRange Tail(int steps) => StepRange.Tail(steps, settings.TailRatio, SmallestWindow);

    private LeapPair Uniform(KeyedRandom random, int steps, int low, int high)
    {
        if (settings.MaxReverseJ is { } cap)
        {
            var cappedJ = random.NextInt(low, Math.Max(low, Math.Min(cap, high - 2)) + 1);
            return new LeapPair(steps - random.NextInt(cappedJ + 1, high), steps - cappedJ);
        }
        var first = random.NextInt(low, high);
        var second = random.NextInt(low, high - 1);
        if (second >= first) second++;
        return new LeapPair(steps - Math.Max(first, second), steps - Math.Min(first, second));
    }

    private LeapPair Dirichlet(KeyedRandom random, int steps, int low, int high)
    {
        var (end, gap, _) = DirichletLengths(random, high - low);
        if (settings.MaxReverseJ is { } cap) end = Math.Min(end, Math.Max(1, cap - low));
        return new LeapPair(steps - (low + end + gap), steps - (low + end));
    }

    /// <summary>Three lengths of at least 1 whose sum is <paramref name="total"/>: clean end to j, j to k, k to the noisy end.</summary>
    internal (int End, int Gap, int Start) DirichletLengths(KeyedRandom random, int total)
    {
        double[] draws = [random.NextGamma(settings.ConcentrationEnd), random.NextGamma(settings.ConcentrationGap), random.NextGamma(settings.ConcentrationStart)];
        var sum = draws.Sum();
        var lengths = Array.ConvertAll(draws, draw => (int)Math.Round(draw / sum * total, MidpointRounding.ToEven));
        lengths[Array.IndexOf(draws, draws.Max())] += total - lengths.Sum();
        for (var i = 0; i < lengths.Length; i++) lengths[i] = Math.Max(1, lengths[i]);
        lengths[Array.IndexOf(lengths, lengths.Max())] += total - lengths.Sum();
        return (lengths[0], lengths[1], lengths[2]);
    }

    private static LeapPair Midpoint(KeyedRandom random, int steps, int low, int high)
    {
        var k = steps - random.NextInt(low + 1, high);
        return new LeapPair(k, Math.Max(k + 1, (k + steps) / 2));
    }

    private static LeapPair MidpointJ(KeyedRandom random, int steps, int low, int high)
    {
        var j = steps - random.NextInt(low, high - 1);
        return new LeapPair(j / 2, j);
    }
}
