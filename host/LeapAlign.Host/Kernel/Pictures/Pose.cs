using System.Globalization;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>How a picture is laid: mirrored or not, then turned clockwise by quarters. No pixel changes its value.</summary>
/// <param name="Turns">Quarter turns, 0 to 3.</param>
/// <param name="Mirrored">Whether left and right are exchanged first.</param>
internal readonly record struct Pose(int Turns, bool Mirrored = false)
{
    /// <summary>As the picture lies in its file.</summary>
    public static Pose AsItIs => default;

    /// <summary>The poses that are told apart, the picture as it is first.</summary>
    /// <param name="turns">Whether quarter turns are among them.</param>
    /// <param name="flips">Whether mirrored pictures are.</param>
    public static IReadOnlyList<Pose> All(bool turns, bool flips) =>
        [.. Enumerable.Range(0, flips ? 2 : 1).SelectMany(mirrored => Enumerable.Range(0, turns ? 4 : 1).Select(turn => new Pose(turn, mirrored == 1)))];

    /// <summary>Lays a picture so.</summary>
    /// <param name="picture">Of four bytes a pixel.</param>
    /// <returns>A new picture; one of an odd number of turns has width and height exchanged.</returns>
    public SKBitmap Of(SKBitmap picture)
    {
        var (width, height) = (picture.Width, picture.Height);
        var info = Turns % 2 == 0 ? picture.Info : picture.Info.WithSize(height, width);
        var from = MemoryMarshal.Cast<byte, int>(picture.GetPixelSpan());
        var to = new int[width * height];
        for (var y = 0; y < info.Height; y++)
        {
            for (var x = 0; x < info.Width; x++)
            {
                var (column, row) = Turns switch
                {
                    0 => (x, y),
                    1 => (y, height - 1 - x),
                    2 => (width - 1 - x, height - 1 - y),
                    _ => (width - 1 - y, x),
                };
                to[(y * info.Width) + x] = from[(row * width) + (Mirrored ? width - 1 - column : column)];
            }
        }
        var laid = new SKBitmap(info);
        Marshal.Copy(to, 0, laid.GetPixels(), to.Length);
        return laid;
    }

    /// <summary>In words.</summary>
    public override string ToString() => (Turns, Mirrored) switch
    {
        (0, false) => "as it is",
        (0, true) => "mirrored",
        (_, false) => string.Create(CultureInfo.InvariantCulture, $"turned {Turns * 90}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"mirrored, turned {Turns * 90}"),
    };
}
