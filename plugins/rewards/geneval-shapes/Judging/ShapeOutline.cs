namespace LeapAlign.Rewards.GenevalShapes.Judging;

/// <summary>The shapes at radius 1 around the origin, upright, y pointing down.</summary>
internal static class ShapeOutline
{
    private static readonly (double X, double Y)[] s_triangle = Corners(3, 1.28);
    private static readonly (double X, double Y)[] s_star = Corners(10, 1.28, 0.55);

    /// <summary>Whether a point lies within a shape, its border included.</summary>
    public static bool Contains(ShapeClass shape, double x, double y) => shape switch
    {
        ShapeClass.Circle => (x * x) + (y * y) <= 1,
        ShapeClass.Square => Math.Max(Math.Abs(x), Math.Abs(y)) <= 0.88,
        ShapeClass.Triangle => IsWithin(s_triangle, x, y),
        ShapeClass.Star => IsWithin(s_star, x, y),
        ShapeClass.Cross => Math.Max(Math.Abs(x), Math.Abs(y)) <= 1.08 && Math.Min(Math.Abs(x), Math.Abs(y)) <= 0.40,
        _ => (x * x) + (y * y) is >= 0.58 * 0.58 and <= 1.1 * 1.1,
    };

    /// <summary>Corners at equal angles, the first straight up, at the given radii in turn.</summary>
    private static (double X, double Y)[] Corners(int count, params double[] radii) =>
    [
        .. Enumerable.Range(0, count).Select(i =>
        {
            var (sin, cos) = Math.SinCos((2 * Math.PI * i / count) - (Math.PI / 2));
            return (radii[i % radii.Length] * cos, radii[i % radii.Length] * sin);
        }),
    ];

    /// <summary>Even-odd rule: a ray to the right crosses the border an odd number of times.</summary>
    private static bool IsWithin((double X, double Y)[] corners, double x, double y)
    {
        var within = false;
        var from = corners[^1];
        foreach (var to in corners)
        {
            if ((to.Y > y) != (from.Y > y) && x < ((from.X - to.X) * (y - to.Y) / (from.Y - to.Y)) + to.X) within = !within;
            from = to;
        }
        return within;
    }
}
