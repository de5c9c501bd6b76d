namespace LeapAlign.Shapes;

/// <summary>The colours of the shapes world, in percent of full sRGB: eight of objects, then three greys of the ground.</summary>
public static class Palette
{
    /// <summary>Indices below this one are those of <see cref="ShapeColor"/>, the others the ground.</summary>
    public const int ObjectColors = 8;

    private const int Percent = 100;
    private const int ByteRange = 255;

    private static readonly (int R, int G, int B)[] s_percent =
    [
        (86, 13, 13), (98, 55, 8), (95, 86, 12), (13, 62, 25), (13, 33, 86), (52, 18, 70), (97, 52, 76), (8, 8, 8),
        (88, 88, 88), (95, 95, 95), (100, 100, 100),
    ];

    /// <summary>The same in units of 1/25500, in which bytes are whole numbers too: distances are exact, and the same on every machine.</summary>
    private static readonly (int R, int G, int B)[] s_exact = [.. s_percent.Select(static color => (color.R * ByteRange, color.G * ByteRange, color.B * ByteRange))];

    /// <summary>A colour as red, green and blue in [0, 1].</summary>
    public static (double R, double G, double B) Of(ShapeColor color)
    {
        var (r, g, b) = s_percent[(int)color];
        return ((double)r / Percent, (double)g / Percent, (double)b / Percent);
    }

    /// <summary>Gives each pixel the index of the nearest colour by Euclidean distance in RGB, the first of equally near ones.</summary>
    /// <param name="rgb">Three bytes a pixel.</param>
    /// <returns>An index a pixel.</returns>
    public static byte[] Classify(ReadOnlySpan<byte> rgb)
    {
        var classes = new byte[rgb.Length / 3];
        for (var i = 0; i < classes.Length; i++) classes[i] = Nearest(rgb[i * 3] * Percent, rgb[(i * 3) + 1] * Percent, rgb[(i * 3) + 2] * Percent);
        return classes;
    }

    private static byte Nearest(int r, int g, int b)
    {
        var (nearest, least) = (0, int.MaxValue);
        for (var i = 0; i < s_exact.Length; i++)
        {
            var (dr, dg, db) = (r - s_exact[i].R, g - s_exact[i].G, b - s_exact[i].B);
            var distance = (dr * dr) + (dg * dg) + (db * db);
            if (distance < least) (nearest, least) = (i, distance);
        }
        return (byte)nearest;
    }
}
