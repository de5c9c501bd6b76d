namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>What a pair came to.</summary>
/// <param name="First">The one picture, by its place.</param>
/// <param name="Second">The other.</param>
/// <param name="Won">1 where the first is preferred, 0 where the second is, ½ for a tie.</param>
internal readonly record struct Comparison(int First, int Second, double Won);

/// <summary>
/// The model of Bradley and Terry (Biometrika 39, 1952): the first of a pair is preferred with probability σ(θ_first − θ_second). The strengths θ are those that maximise
/// <c>Σ won · log σ(θ_f − θ_s) + (1 − won) · log σ(θ_s − θ_f) − prior/2 · Σ θ²</c>: a picture that won everything has a strength all the same, and those between which there is no pair are compared
/// through others.
/// </summary>
internal static class Strengths
{
    // The objective is strictly concave, so that Newton's method with a step that is halved until it climbs finds its one maximum; ten rounds do, and a hundred are never needed.
    private const int Rounds = 100;

    private const double Enough = 1e-12;

    /// <summary>The strengths.</summary>
    /// <param name="count">How many pictures.</param>
    /// <param name="comparisons">What is known of their pairs.</param>
    /// <param name="prior">The precision of the normal prior, above 0.</param>
    /// <returns>θ, [count]; they add up to 0.</returns>
    public static double[] Of(int count, IReadOnlyList<Comparison> comparisons, double prior)
    {
        var strengths = new double[count];
        for (var round = 0; round < Rounds; round++)
        {
            var (gradient, curvature) = Derivatives(strengths, comparisons, prior);
            if (gradient.Max(Math.Abs) < Enough) break;
            var direction = Solved(curvature, gradient);
            var (before, size) = (Likelihood(strengths, comparisons, prior), 1.0);
            double[] moved;
            do
            {
                moved = [.. strengths.Zip(direction, (strength, step) => strength + (size * step))];
                size /= 2;
            }
            while (Likelihood(moved, comparisons, prior) < before && size > Enough);
            strengths = moved;
        }
        return strengths;
    }

    /// <summary>
    /// What a picture is worth: the mean of σ(θ_i − θ_j) over the other pictures, its expected share of wins against them, in (0, 1); ½ where nobody prefers anything. It means the same whatever
    /// pairs were asked.
    /// </summary>
    public static double[] Scores(double[] strengths) =>
        [.. strengths.Select((own, i) => strengths.Where((_, j) => j != i).Select(other => Logistic(own - other)).DefaultIfEmpty(0.5).Average())];

    /// <summary>What is maximised.</summary>
    public static double Likelihood(double[] strengths, IReadOnlyList<Comparison> comparisons, double prior)
    {
        var sum = -prior / 2 * strengths.Sum(static strength => strength * strength);
        foreach (var (first, second, won) in comparisons)
        {
            var difference = strengths[first] - strengths[second];
            sum -= (won * Softplus(-difference)) + ((1 - won) * Softplus(difference));
        }
        return sum;
    }

    private static (double[] Gradient, double[,] Curvature) Derivatives(double[] strengths, IReadOnlyList<Comparison> comparisons, double prior)
    {
        var gradient = new double[strengths.Length];
        var curvature = new double[strengths.Length, strengths.Length];
        for (var i = 0; i < strengths.Length; i++) (gradient[i], curvature[i, i]) = (-prior * strengths[i], prior);
        foreach (var (first, second, won) in comparisons)
        {
            var expected = Logistic(strengths[first] - strengths[second]);
            gradient[first] += won - expected;
            gradient[second] -= won - expected;
            var weight = expected * (1 - expected);
            curvature[first, first] += weight;
            curvature[second, second] += weight;
            curvature[first, second] -= weight;
            curvature[second, first] -= weight;
        }
        return (gradient, curvature);
    }

    // A positive definite matrix, which is overwritten: Gauss without pivots.
    private static double[] Solved(double[,] matrix, double[] right)
    {
        var (size, solution) = (right.Length, (double[])right.Clone());
        for (var column = 0; column < size; column++)
        {
            for (var row = column + 1; row < size; row++)
            {
                var factor = matrix[row, column] / matrix[column, column];
                if (factor == 0) continue;
                for (var k = column; k < size; k++) matrix[row, k] -= factor * matrix[column, k];
                solution[row] -= factor * solution[column];
            }
        }
        for (var row = size - 1; row >= 0; row--)
        {
            for (var k = row + 1; k < size; k++) solution[row] -= matrix[row, k] * solution[k];
            solution[row] /= matrix[row, row];
        }
        return solution;
    }

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));

    private static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
}
