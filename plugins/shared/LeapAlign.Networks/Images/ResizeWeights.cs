namespace LeapAlign.Networks.Images;

/// <summary>Resizing one axis, as a matrix: with antialiasing, half-pixel centres and weights that sum to one.</summary>
internal static class ResizeWeights
{
    private const double CubicSharpness = -0.5;

    /// <summary>The matrix [<paramref name="to"/>, <paramref name="from"/>], row by row.</summary>
    public static double[] Matrix(long from, long to, ResizeFilter filter)
    {
        var weights = new double[to * from];
        var scale = (double)from / to;
        // A pixel of a smaller picture covers several; one of a larger picture is interpolated between neighbours.
        var stretch = Math.Max(scale, 1);
        var support = (filter == ResizeFilter.Bicubic ? 2 : 1) * stretch;
        for (long row = 0; row < to; row++)
        {
            var centre = scale * (row + 0.5);
            var first = Math.Max(0, (long)(centre - support + 0.5));
            var end = Math.Min(from, (long)(centre + support + 0.5));
            var line = weights.AsSpan((int)(row * from), (int)from);
            var sum = 0.0;
            for (var column = first; column < end; column++)
            {
                line[(int)column] = Kernel((column - centre + 0.5) / stretch, filter);
                sum += line[(int)column];
            }
            for (var column = first; column < end; column++) line[(int)column] /= sum;
        }
        return weights;
    }

    private static double Kernel(double offset, ResizeFilter filter)
    {
        const double a = CubicSharpness;
        var u = Math.Abs(offset);
        return filter switch
        {
            ResizeFilter.Bilinear => Math.Max(0, 1 - u),
            _ when u < 1 => ((((a + 2) * u) - (a + 3)) * u * u) + 1,
            _ when u < 2 => ((((a * u) - (5 * a)) * u + (8 * a)) * u) - (4 * a),
            _ => 0,
        };
    }
}
