using System.Globalization;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using SkiaSharp;

namespace LeapAlign.Host.Runs;

/// <summary>A labelled grid of pictures as PNG: the same captions and noise each time, so that grids of different steps can be laid side by side.</summary>
internal sealed class SampleGrid(RunFolder folder) : IRunObserver
{
    private const int SmallestCell = 192;
    private const int Padding = 12;
    private const int LineHeight = 16;
    private const int CaptionLines = 3;
    private const int TitleHeight = 36;

    public Result<Unit> Evaluated(EvaluationReport report) => report.Previews.Prepend(report).Where(static drawn => drawn.Samples.Count > 0).Select(Write).All().Map(static _ => Unit.Value);

    private Result<Unit> Write(EvaluationReport report)
    {
        var means = string.Join("   ", report.Rewards.Select(static pair => Score(pair.Key, pair.Value)));
        var preview = report.Drawn is { Preview: { } name } drawn ? $"preview {name} ({drawn})   " : "";
        return WholeFile.Write(folder.Sample(report.Step, report.Drawn?.Preview), Draw($"{preview}step {report.Step}   {means}", report.Samples), folder.Disk);
    }

    /// <summary>Draws the grid.</summary>
    /// <param name="title">The line above it.</param>
    /// <param name="pictures">At least one picture.</param>
    /// <returns>A PNG file.</returns>
    public static byte[] Draw(string title, IReadOnlyList<SamplePicture> pictures)
    {
        var columns = (int)Math.Ceiling(Math.Sqrt(pictures.Count));
        var rows = (pictures.Count + columns - 1) / columns;
        var scale = Math.Max(1, (int)Math.Ceiling((double)SmallestCell / pictures.Max(static picture => picture.Width)));
        var cell = new SKSizeI(
            (pictures.Max(static picture => picture.Width) * scale) + Padding,
            (pictures.Max(static picture => picture.Height) * scale) + ((CaptionLines + 1) * LineHeight) + Padding);
        using var surface = SKSurface.Create(new SKImageInfo((columns * cell.Width) + Padding, (rows * cell.Height) + TitleHeight + Padding));
        using var typeface = LoadTypeface();
        using var text = new SKPaint { Typeface = typeface, TextSize = 12, IsAntialias = true, Color = new SKColor(0x22, 0x22, 0x22) };
        using var heading = new SKPaint { Typeface = typeface, TextSize = 16, IsAntialias = true, Color = SKColors.Black };
        surface.Canvas.Clear(SKColors.White);
        surface.Canvas.DrawText(title, Padding, 24, heading);
        for (var i = 0; i < pictures.Count; i++)
        {
            var corner = new SKPointI(Padding + (i % columns * cell.Width), TitleHeight + (i / columns * cell.Height));
            DrawCell(surface.Canvas, pictures[i], corner, scale, text);
        }
        using var image = surface.Snapshot();
        using var png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    /// <summary>One picture as PNG, unscaled.</summary>
    public static byte[] Encode(SamplePicture picture) => new PictureBytes(picture.Pixels, picture.Width, picture.Height).ToPng();

    private static void DrawCell(SKCanvas canvas, SamplePicture picture, SKPointI corner, int scale, SKPaint text)
    {
        using var bitmap = ToBitmap(picture);
        var size = new SKSizeI(picture.Width * scale, picture.Height * scale);
        using var nearest = new SKPaint { FilterQuality = SKFilterQuality.None };
        canvas.DrawBitmap(bitmap, SKRect.Create(corner.X, corner.Y, size.Width, size.Height), nearest);
        var line = corner.Y + size.Height;
        foreach (var words in Wrap(picture.Caption, size.Width, text).Take(CaptionLines)) canvas.DrawText(words, corner.X, line += LineHeight, text);
        canvas.DrawText(string.Join("  ", picture.Scores.Select(static pair => Score(pair.Key, pair.Value))), corner.X, line + LineHeight, text);
    }

    private static IEnumerable<string> Wrap(string caption, float width, SKPaint text)
    {
        var line = "";
        foreach (var word in caption.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var longer = line.Length == 0 ? word : $"{line} {word}";
            if (line.Length > 0 && text.MeasureText(longer) > width)
            {
                yield return line;
                line = word;
            }
            else
            {
                line = longer;
            }
        }
        if (line.Length > 0) yield return line;
    }

    private static SKBitmap ToBitmap(SamplePicture picture)
    {
        var bitmap = new SKBitmap(new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = new byte[picture.Width * picture.Height * 4];
        for (var i = 0; i < picture.Width * picture.Height; i++)
        {
            picture.Pixels.AsSpan(i * 3, 3).CopyTo(pixels.AsSpan(i * 4));
            pixels[(i * 4) + 3] = byte.MaxValue;
        }
        System.Runtime.InteropServices.Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        return bitmap;
    }

    private static string Score(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"{name} {value:F3}");

    private static SKTypeface LoadTypeface()
    {
        using var font = typeof(SampleGrid).Assembly.GetManifestResourceStream("DejaVuSans.ttf")!;
        return SKTypeface.FromStream(font);
    }
}
