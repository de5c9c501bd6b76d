using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Methods.Steps;

/// <summary>Some distinct steps of a range, later ones more often (FlowBP, arXiv 2606.11075).</summary>
public static class LateBiasedSubset
{
    /// <summary>
    /// Draws steps one after another, each with a probability proportional to <c>(i − origin + 1)^bias</c> among those that are left. When all of the range
    /// is asked for, nothing is drawn.
    /// </summary>
    /// <param name="random">The stream of the draw.</param>
    /// <param name="range">The steps to choose from.</param>
    /// <param name="count">How many; all when the range holds no more.</param>
    /// <param name="bias">0 is uniform, a negative one prefers noisy steps.</param>
    /// <param name="origin">Where the weights begin to count: 0, or the first step of the range.</param>
    /// <returns>The steps, rising.</returns>
    public static IReadOnlyList<int> Draw(KeyedRandom random, StepRange range, int count, double bias, int origin)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (count >= range.Count) return [.. range.Steps];
        List<int> left = [.. range.Steps];
        List<int> chosen = [];
        while (chosen.Count < count)
        {
            double[] weights = [.. left.Select(step => Math.Pow(step - origin + 1, bias))];
            var index = Index(weights, random.NextDouble() * weights.Sum());
            chosen.Add(left[index]);
            left.RemoveAt(index);
        }
        chosen.Sort();
        return chosen;
    }

    private static int Index(double[] weights, double mark)
    {
        for (var index = 0; index < weights.Length - 1; index++)
        {
            mark -= weights[index];
            if (mark < 0) return index;
        }
        return weights.Length - 1;
    }
}
