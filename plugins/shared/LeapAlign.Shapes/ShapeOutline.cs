namespace LeapAlign.Shapes;

/// <summary>The shapes around the origin, upright, y pointing down.</summary>
public static class ShapeOutline
{
    private static readonly (double X, double Y)[] s_triangle = Corners(3, 1.28);
    private static readonly (double X, double Y)[] s_star = Corners(10, 1.28, 0.55);

    /// <summary>
    /// Whether a point lies within a shape, its border included. Coordinates are in the unit of the radius, and in single precision: of points with whole
    /// coordinates on a circle's border, rounding decides which are within.
    /// </summary>
    public static bool Contains(ShapeClass shape, float x, float y, float radius)
    {
        var square = (x * x) + (y * y);
        var (near, far) = (Math.Min(Math.Abs(x), Math.Abs(y)) / radius, Math.Max(Math.Abs(x), Math.Abs(y)) / radius);
        return shape switch
        {
            ShapeClass.Circle => square <= radius * radius,
            ShapeClass.Square => far <= 0.88,
            ShapeClass.Triangle => IsWithin(s_triangle, x / radius, y / radius),
            ShapeClass.Star => IsWithin(s_star, x / radius, y / radius),
            ShapeClass.Cross => far <= 1.08 && near <= 0.40,
            _ => square / (radius * radius) is >= 0.58f * 0.58f and <= 1.1f * 1.1f,
        };
    }

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
