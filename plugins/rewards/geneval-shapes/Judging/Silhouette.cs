namespace LeapAlign.Rewards.GenevalShapes.Judging;

/// <summary>
/// A region freed of its place and size: moved to its centroid, scaled to unit root-mean-square distance from it, and sampled bilinearly at the cell
/// centres of a 24 x 24 grid over ±2.2. Values are in [0, 1].
/// </summary>
internal sealed class Silhouette
{
    private const int Cells = 24;
    private const double HalfWidth = 2.2;

    private readonly double[] _values = new double[Cells * Cells];
    private readonly double _sum;

    /// <summary>Samples a region.</summary>
    /// <param name="pixels">Indices of its pixels.</param>
    /// <param name="width">Of a row.</param>
    public Silhouette(ReadOnlySpan<int> pixels, int width)
    {
        var box = Box.Around(pixels, width);
        (X, Y) = Centroid(pixels, width);
        var spread = Spread(pixels, width);
        for (var row = 0; row < Cells; row++)
        {
            for (var column = 0; column < Cells; column++)
            {
                _values[(row * Cells) + column] = box.Sample(X + (Offset(column) * spread), Y + (Offset(row) * spread));
            }
        }
        _sum = _values.Sum();
    }

    /// <summary>Of the centroid, in pixels.</summary>
    public double X { get; }

    /// <summary>Of the centroid, in pixels.</summary>
    public double Y { get; }

    /// <summary>Soft intersection over union: the sum of minima by the sum of maxima.</summary>
    public double Likeness(Silhouette other)
    {
        double minima = 0;
        for (var i = 0; i < _values.Length; i++) minima += Math.Min(_values[i], other._values[i]);
        return minima / (_sum + other._sum - minima);
    }

    private static double Offset(int cell) => ((cell + 0.5) * 2 * HalfWidth / Cells) - HalfWidth;

    private static (double X, double Y) Centroid(ReadOnlySpan<int> pixels, int width)
    {
        long x = 0, y = 0;
        foreach (var pixel in pixels)
        {
            x += pixel % width;
            y += pixel / width;
        }
        return ((double)x / pixels.Length, (double)y / pixels.Length);
    }

    private double Spread(ReadOnlySpan<int> pixels, int width)
    {
        double squares = 0;
        foreach (var pixel in pixels)
        {
            var (dx, dy) = ((pixel % width) - X, (pixel / width) - Y);
            squares += (dx * dx) + (dy * dy);
        }
        return Math.Sqrt(squares / pixels.Length);
    }

    /// <summary>A region as ones in the rectangle around it; outside lies zero.</summary>
    private sealed class Box(int left, int top, int width, int height)
    {
        private readonly double[] _inside = new double[width * height];

        public static Box Around(ReadOnlySpan<int> pixels, int rowWidth)
        {
            var (left, top, right, bottom) = (int.MaxValue, int.MaxValue, 0, 0);
            foreach (var pixel in pixels)
            {
                var (x, y) = (pixel % rowWidth, pixel / rowWidth);
                (left, top, right, bottom) = (Math.Min(left, x), Math.Min(top, y), Math.Max(right, x), Math.Max(bottom, y));
            }
            var box = new Box(left, top, right - left + 1, bottom - top + 1);
            foreach (var pixel in pixels) box.Mark((pixel % rowWidth) - left, (pixel / rowWidth) - top);
            return box;
        }

        public double Sample(double x, double y)
        {
            var (x0, y0) = ((int)Math.Floor(x), (int)Math.Floor(y));
            var (fx, fy) = (x - x0, y - y0);
            return ((1 - fy) * (((1 - fx) * At(x0, y0)) + (fx * At(x0 + 1, y0)))) + (fy * (((1 - fx) * At(x0, y0 + 1)) + (fx * At(x0 + 1, y0 + 1))));
        }

        private void Mark(int x, int y) => _inside[(y * width) + x] = 1;

        private double At(int x, int y) =>
            (uint)(x - left) < (uint)width && (uint)(y - top) < (uint)height ? _inside[((y - top) * width) + x - left] : 0;
    }
}
