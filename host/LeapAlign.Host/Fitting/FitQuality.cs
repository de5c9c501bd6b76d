namespace LeapAlign.Host.Fitting;

/// <summary>How well scores agree with what they were fitted to.</summary>
/// <param name="Count">How many scores, or pairs.</param>
internal sealed record FitQuality(int Count)
{
    /// <summary>The correlation of values.</summary>
    public double? Pearson { get; private init; }

    /// <summary>The correlation of ranks.</summary>
    public double? Spearman { get; private init; }

    /// <summary>The share of the variance that is explained: <c>1 − Σ(y − f)² / Σ(y − ȳ)²</c>.</summary>
    public double? Explained { get; private init; }

    /// <summary>The share of pairs that are in the right order.</summary>
    public double? Pairs { get; private init; }

    /// <summary>The mean cosine of the two gradients with respect to the latents; null where the other has none.</summary>
    public double? Gradient { get; init; }

    /// <summary>The same on as many samples that were learnt from.</summary>
    public double? FittedGradient { get; init; }

    /// <summary>Count and measures as numbers, for other processes; what was not measured is no number.</summary>
    public IReadOnlyList<double> Numbers => [Count, Pearson ?? double.NaN, Spearman ?? double.NaN, Explained ?? double.NaN, Pairs ?? double.NaN];

    /// <summary>The means over sites by their counts; a site without a measure has no part in its mean.</summary>
    /// <param name="sites"><see cref="Numbers"/> of each.</param>
    public static FitQuality Mean(IReadOnlyList<IReadOnlyList<double>> sites)
    {
        double? Of(int place)
        {
            var there = sites.Where(site => double.IsFinite(site[place])).ToArray();
            return there.Length == 0 ? null : there.Sum(site => site[0] * site[place]) / there.Sum(static site => site[0]);
        }
        return new((int)sites.Sum(static site => site[0])) { Pearson = Of(1), Spearman = Of(2), Explained = Of(3), Pairs = Of(4) };
    }

    /// <summary>Compares scores.</summary>
    /// <param name="targets">What they were fitted to.</param>
    /// <param name="scores">The scores, as many.</param>
    public static FitQuality OfScores(IReadOnlyList<double> targets, IReadOnlyList<double> scores)
    {
        var mean = targets.Average();
        var (rest, all) = (targets.Zip(scores, static (target, score) => (target - score) * (target - score)).Sum(), targets.Sum(target => (target - mean) * (target - mean)));
        var (right, pairs) = (0.0, 0);
        for (var i = 0; i < targets.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (targets[i] == targets[j]) continue;
                pairs++;
                right += scores[i] == scores[j] ? 0.5 : scores[i] > scores[j] == targets[i] > targets[j] ? 1 : 0;
            }
        }
        return new(targets.Count)
        {
            Pearson = Correlation(targets, scores),
            Spearman = Correlation(Ranks(targets), Ranks(scores)),
            Explained = all > 0 ? 1 - (rest / all) : double.NaN,
            Pairs = pairs > 0 ? right / pairs : double.NaN,
        };
    }

    /// <summary>Judges preferences.</summary>
    /// <param name="preferred">Scores of preferred pictures.</param>
    /// <param name="rejected">Those of the pictures that they were preferred to.</param>
    public static FitQuality OfPairs(IReadOnlyList<double> preferred, IReadOnlyList<double> rejected) => new(preferred.Count)
    {
        Pairs = preferred.Zip(rejected, static (better, worse) => better > worse ? 1 : better == worse ? 0.5 : 0).Average(),
    };

    /// <summary>Pearson's correlation; not a number where one side does not vary.</summary>
    public static double Correlation(IReadOnlyList<double> left, IReadOnlyList<double> right)
    {
        var (leftMean, rightMean) = (left.Average(), right.Average());
        var both = left.Zip(right, (a, b) => (a - leftMean) * (b - rightMean)).Sum();
        return both / Math.Sqrt(left.Sum(a => (a - leftMean) * (a - leftMean)) * right.Sum(b => (b - rightMean) * (b - rightMean)));
    }

    /// <summary>Ranks from 1; equal values share the mean of theirs.</summary>
    public static double[] Ranks(IReadOnlyList<double> values)
    {
        var order = Enumerable.Range(0, values.Count).OrderBy(i => values[i]).ToArray();
        var ranks = new double[values.Count];
        for (int first = 0, next; first < order.Length; first = next)
        {
            next = first + 1;
            while (next < order.Length && values[order[next]] == values[order[first]]) next++;
            for (var i = first; i < next; i++) ranks[order[i]] = (first + 1 + next) / 2.0;
        }
        return ranks;
    }
}
