namespace LeapAlign.Methods.Schedules;

/// <summary>Quantiles of the symmetric beta distribution.</summary>
internal static class BetaQuantile
{
    private const int LongestSeries = 200;

    /// <summary>The x at which the regularised incomplete beta function I_x(a, a) is p.</summary>
    /// <param name="p">In [0, 1].</param>
    /// <param name="a">Both parameters of the distribution, above 0.</param>
    public static double Symmetric(double p, double a)
    {
        // I_x(a, a) = 1 - I_{1-x}(a, a): below one half the series of the incomplete function converges quickly, and twice its value there is the complete one.
        if (p > 0.5) return 1 - Symmetric(1 - p, a);
        var target = 2 * p * Incomplete(0.5, a);
        var (low, high) = (0.0, 0.5);
        while (true)
        {
            var middle = low + ((high - low) / 2);
            if (middle <= low || middle >= high) return middle;
            if (Incomplete(middle, a) < target) low = middle;
            else high = middle;
        }
    }

    /// <summary>B_x(a, a) = x^a Σ (1−a)_n x^n / (n! (a+n)).</summary>
    private static double Incomplete(double x, double a)
    {
        var (sum, term) = (0.0, 1.0);
        for (var n = 0; n < LongestSeries; n++)
        {
            var next = sum + (term / (a + n));
            if (next == sum) break;
            sum = next;
            term *= (1 - a + n) * x / (n + 1);
        }
        return Math.Pow(x, a) * sum;
    }
}
