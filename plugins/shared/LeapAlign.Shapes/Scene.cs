using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Shapes;

/// <summary>A shape on the ground, in pixels of a 64 x 64 picture; pixel i lies around the coordinate i.</summary>
/// <param name="Shape">What it is.</param>
/// <param name="Color">Its colour.</param>
/// <param name="X">Of its centre.</param>
/// <param name="Y">Of its centre, downwards.</param>
/// <param name="Radius">r.</param>
/// <param name="Angle">In radians.</param>
public sealed record Item(ShapeClass Shape, ShapeColor Color, double X, double Y, double Radius, double Angle);

/// <summary>Shapes on a grey ground, as the shapes world draws them.</summary>
/// <param name="Items">The shapes; an earlier one covers a later one.</param>
/// <param name="Ground">The grey, in [0, 1].</param>
public sealed record Scene(IReadOnlyList<Item> Items, double Ground)
{
    /// <summary>Pixels of a side.</summary>
    public const int Size = 64;
    private const int Samples = 3;

    /// <summary>Draws the scene with 3 x 3 samples a pixel.</summary>
    /// <param name="width">Of the picture; what does not fit is cut off.</param>
    /// <param name="height">Of the picture.</param>
    /// <param name="scale">Pixels of the picture by those of the scene.</param>
    public PictureBytes Draw(int width = Size, int height = Size, double scale = 1)
    {
        var rgb = new byte[width * height * 3];
        for (var pixel = 0; pixel < width * height; pixel++)
        {
            var (r, g, b) = (0.0, 0.0, 0.0);
            for (var sample = 0; sample < Samples * Samples; sample++)
            {
                var x = Coordinate(pixel % width, sample % Samples, scale);
                var y = Coordinate(pixel / width, sample / Samples, scale);
                var color = ColorAt(x, y);
                (r, g, b) = (r + color.R, g + color.G, b + color.B);
            }
            (rgb[pixel * 3], rgb[(pixel * 3) + 1], rgb[(pixel * 3) + 2]) = (ToByte(r), ToByte(g), ToByte(b));
        }
        return new PictureBytes(rgb, width, height);
    }

    private static double Coordinate(int pixel, int sample, double scale) => ((pixel + ((sample + 0.5) / Samples)) / scale) - 0.5;

    private static byte ToByte(double sum) => (byte)Math.Round(255 * sum / (Samples * Samples));

    private (double R, double G, double B) ColorAt(double x, double y)
    {
        foreach (var item in Items)
        {
            var (sin, cos) = Math.SinCos(item.Angle);
            var (dx, dy) = (x - item.X, y - item.Y);
            var (along, across) = ((cos * dx) + (sin * dy), (cos * dy) - (sin * dx));
            if (ShapeOutline.Contains(item.Shape, (float)along, (float)across, (float)item.Radius)) return Palette.Of(item.Color);
        }
        return (Ground, Ground, Ground);
    }
}
