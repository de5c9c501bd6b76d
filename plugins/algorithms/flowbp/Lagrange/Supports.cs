namespace LeapAlign.Algorithms.FlowBp.Lagrange;

/// <summary>Which velocities a leap is made of.</summary>
internal static class Supports
{
    /// <summary>
    /// All steps of [from, to) when there are no more than the order; else that many, evenly spread from the first to the last, halves rounded to even.
    /// </summary>
    public static int[] Of(int from, int to, int order)
    {
        var last = to - from - 1;
        if (last < order) return [.. Enumerable.Range(from, last + 1)];
        if (order == 1) return [from];
        return [.. Enumerable.Range(0, order).Select(index => from + (int)Math.Round((double)(index * last) / (order - 1), MidpointRounding.ToEven))];
    }

    /// <summary>How many of so many supports carry gradient: always the first ones.</summary>
    public static int ActiveCount(int supports, LagrangeSettings settings)
    {
        var wanted = settings.SupportMode switch
        {
            SupportMode.None => 0,
            SupportMode.Start => 1,
            SupportMode.Midpoint => 2,
            _ => supports,
        };
        return Math.Min(supports, Math.Min(wanted, settings.MaxActiveSupports ?? supports));
    }
}
