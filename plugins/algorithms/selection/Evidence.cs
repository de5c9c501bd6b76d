namespace LeapAlign.Algorithms.Selection;

/// <summary>What a sample's selections are worth after the evidence: weights of the expectation, normalised over those that were drawn.</summary>
/// <param name="Weights">w, [m], of sum 1.</param>
/// <param name="Marginal"><c>ln (1/m) Σ p(y | x, z)</c> over the draws, which estimates <c>ln p(y | x)</c>: before anything was flattened.</param>
/// <param name="Share">By how much log-likelihoods were flattened: a factor in (0, 1].</param>
internal sealed record Evidence(double[] Weights, double Marginal, double Share)
{
    // Halvings of a factor: what is left is below the rounding of a weight.
    private const int Halvings = 50;

    /// <summary><c>1 / Σ w²</c>: how many selections the weights rest on.</summary>
    public double Effective => EffectiveOf(Weights);

    /// <summary>Weighs selections.</summary>
    /// <param name="logarithms"><c>ln p(y | x, z)</c> of each, [m], finite.</param>
    /// <param name="least">The least effective number; below it log-likelihoods are multiplied by the largest factor that reaches it. More than m is not reached.</param>
    public static Evidence Of(IReadOnlyList<double> logarithms, double least)
    {
        var highest = logarithms.Max();
        var marginal = highest + Math.Log(logarithms.Sum(value => Math.Exp(value - highest)) / logarithms.Count);
        var weights = Softmax(logarithms, 1);
        if (EffectiveOf(weights) >= least) return new Evidence(weights, marginal, 1);
        var (low, high) = (0.0, 1.0);
        for (var halving = 0; halving < Halvings; halving++)
        {
            var middle = (low + high) / 2;
            if (EffectiveOf(Softmax(logarithms, middle)) >= least) low = middle;
            else high = middle;
        }
        return new Evidence(Softmax(logarithms, low), marginal, low);
    }

    private static double EffectiveOf(double[] weights) => 1 / weights.Sum(static weight => weight * weight);

    private static double[] Softmax(IReadOnlyList<double> logarithms, double share)
    {
        var highest = logarithms.Max();
        double[] values = [.. logarithms.Select(value => Math.Exp((value - highest) * share))];
        var sum = values.Sum();
        return [.. values.Select(value => value / sum)];
    }
}
