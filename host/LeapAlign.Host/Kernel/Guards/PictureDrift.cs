namespace LeapAlign.Host.Kernel.Guards;

/// <summary>A measure of artefacts or diversity that is far from what it was before training.</summary>
/// <param name="Now">Its mean.</param>
/// <param name="Before">Its mean before training.</param>
internal sealed record PictureDrift(double Now, double Before)
{
    private const double FarFromBase = 1.5;

    /// <summary>Compares a measure of the same pictures.</summary>
    /// <param name="name">The measure.</param>
    /// <param name="now">Its values.</param>
    /// <param name="before">Those before training.</param>
    /// <param name="noise">How many standard errors are noise.</param>
    /// <returns>Null when it is not worse than before by far.</returns>
    public static PictureDrift? Of(string name, IReadOnlyList<double> now, IReadOnlyList<double> before, double noise)
    {
        if (now.Count != before.Count) return null;
        var (mean, error) = PairedDifference.Of(now, before);
        var (after, first) = (now.Average(), before.Average());
        var worse = name == PictureMeasureNames.Diversity ? after * FarFromBase < first : after > FarFromBase * first;
        return worse && Math.Abs(mean) > noise * error ? new PictureDrift(after, first) : null;
    }
}

/// <summary>The mean difference of as many numbers and its standard error.</summary>
internal readonly record struct PairedDifference(double Mean, double Error)
{
    /// <summary>Compares number by number.</summary>
    public static PairedDifference Of(IReadOnlyList<double> now, IReadOnlyList<double> before)
    {
        double[] differences = [.. now.Zip(before, static (one, other) => one - other)];
        var mean = differences.Average();
        var variance = differences.Sum(difference => (difference - mean) * (difference - mean)) / Math.Max(1, differences.Length - 1);
        return new PairedDifference(mean, Math.Sqrt(variance / differences.Length));
    }
}

/// <summary>The names of what is measured on pictures beside rewards.</summary>
internal static class PictureMeasureNames
{
    /// <summary>The share of colour values at either end of the range.</summary>
    public const string Clipped = "clipped share";

    /// <summary>The share of detail that is finer than four pixels.</summary>
    public const string FineDetail = "fine detail";

    /// <summary>The mean distance between two pictures of the same caption.</summary>
    public const string Diversity = "diversity";
}
