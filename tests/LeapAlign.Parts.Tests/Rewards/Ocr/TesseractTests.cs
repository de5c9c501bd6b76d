using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;
using LeapAlign.Services.Programs;
using LeapAlign.Testing;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Ocr.Tests;

/// <summary>The engine that the settings name by default, where it is installed. Where it is not, the tests fail in CI and are skipped elsewhere.</summary>
public sealed class TesseractTests
{
    [Fact]
    public void Tesseract_reads_what_a_picture_shows()
    {
        RequireTesseract();
        using var scope = NewDisposeScope();
        var pictures = cat([Sign("OPEN"), Sign("CLOSED"), Sign("")]);
        var scores = ReaderCase.Score(new OcrSettings { Timeout = 120 }, cat([pictures, pictures]), ["a sign that says \"Open\"", "a sign that says 'Closed'", "a sign that says “Open”", "a sign that says \"Closed\"", "'Open'", "a bus"]);
        Assert.Equal([1f, 1f, 0f], scores[..3]);
        // CLOSED from OPEN: at best two letters stay.
        Assert.InRange(scores[3], 0f, 2f / 6);
        Assert.InRange(scores[4], 0f, 2f / 6);
        Assert.Equal(1f, scores[5]);
    }

    [Fact]
    public void Arguments_of_a_user_reach_it()
    {
        RequireTesseract();
        using var scope = NewDisposeScope();
        var settings = new OcrSettings { Timeout = 120, Command = ["tesseract", "stdin", "stdout", "--psm", "7", "-c", "tessedit_char_whitelist=0123456789"] };
        Assert.Equal([1f], ReaderCase.Score(settings, Sign("4711"), ["the number '4711'"]));
        var fault = Assert.Throws<FaultException>(() => ReaderCase.Score(settings with { Command = ["tesseract", "stdin", "stdout", "-l", "none-such"] }, Sign("4711"), ["'4711'"])).Fault;
        Assert.Equal(FaultCodes.ProgramFailed, fault.Code);
        Assert.Contains("none-such", fault.Message, StringComparison.Ordinal);
    }

    private static void RequireTesseract()
    {
        if (ProgramFile.Find("tesseract", RemoteCase.Context()).IsOk) return;
        const string why = "no tesseract is on the path: apt-get install tesseract-ocr";
        if (Environment.GetEnvironmentVariable("CI") is { Length: > 0 }) Assert.Fail(why);
        Assert.Skip(why);
    }

    /// <summary>[1, 3, 128, 384]: a text in black on white.</summary>
    private static Tensor Sign(string text)
    {
        const int width = 384;
        const int height = 128;
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        using var font = SKTypeface.FromFile(Path.Combine(Repository.Root, "host", "LeapAlign.Host", "Runs", "Fonts", "DejaVuSans.ttf"));
        using var paint = new SKPaint { Typeface = font, TextSize = 64, Color = SKColors.Black, IsAntialias = true };
        canvas.Clear(SKColors.White);
        canvas.DrawText(text, 40, 86, paint);
        canvas.Flush();
        return tensor(bitmap.Bytes, dtype: ScalarType.Byte).reshape(height, width, 4)[.., .., ..3].permute(2, 0, 1).unsqueeze(0).to(ScalarType.Float32).div(255);
    }
}
