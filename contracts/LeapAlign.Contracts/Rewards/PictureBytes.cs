using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Rewards;

/// <summary>A picture rounded to 8 bits: what a file of it holds, and what a reward sees that is not a function of the exact values.</summary>
/// <param name="rgb">Height · Width · 3 bytes: rows from the top, pixels from the left, red, green, blue.</param>
/// <param name="width">In pixels.</param>
/// <param name="height">In pixels.</param>
public sealed class PictureBytes(ReadOnlyMemory<byte> rgb, int width, int height)
{
    private const int Channels = 3;

    /// <summary>Height · Width · 3 bytes: rows from the top, pixels from the left, red, green, blue.</summary>
    public ReadOnlyMemory<byte> Rgb { get; } =
        rgb.Length == width * height * Channels ? rgb : throw new ArgumentException($"{rgb.Length} bytes are not a picture of {width} x {height}", nameof(rgb));

    /// <summary>In pixels.</summary>
    public int Width { get; } = width;

    /// <summary>In pixels.</summary>
    public int Height { get; } = height;

    /// <summary>Rounds pictures: round(255 x), half to even, clamped to 0..255.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1], of any floating-point type, on any device that holds values.</param>
    /// <returns>B pictures, without gradient.</returns>
    public static IReadOnlyList<PictureBytes> Of(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.dim() != 4 || images.shape[1] != Channels) throw new ArgumentException($"pictures of shape [{string.Join(", ", images.shape)}]; expected [B, 3, H, W]", nameof(images));
        using var scope = NewDisposeScope();
        var (height, width) = ((int)images.shape[2], (int)images.shape[3]);
        var rounded = images.detach().to(ScalarType.Float32).mul(255).round().clamp(0, 255).to(ScalarType.Byte);
        var bytes = rounded.permute(0, 2, 3, 1).contiguous().cpu().bytes.ToArray();
        var size = width * height * Channels;
        return [.. Enumerable.Range(0, (int)images.shape[0]).Select(i => new PictureBytes(bytes.AsMemory(i * size, size), width, height))];
    }

    /// <summary>Scores pictures one by one, for rewards that are no tensor operations.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1].</param>
    /// <param name="score">Takes a picture and its index.</param>
    /// <returns>[B], fp32, on the device of <paramref name="images"/>, without gradient; NaN for a picture that has a value that is not finite.</returns>
    public static Tensor Score(Tensor images, Func<PictureBytes, int, double> score)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(score);
        using var scope = NewDisposeScope();
        var scores = Of(images).Select((picture, i) => (float)score(picture, i)).ToArray();
        var whole = images.detach().isfinite().flatten(1).all(1);
        return where(whole, tensor(scores, device: images.device), tensor(float.NaN, device: images.device)).MoveToOuterDisposeScope();
    }

    /// <summary>The picture as PNG, which loses nothing.</summary>
    public byte[] ToPng() => Encode(SKEncodedImageFormat.Png, quality: 100);

    /// <summary>The picture as JPEG.</summary>
    /// <param name="quality">From 1 to 100.</param>
    public byte[] ToJpeg(int quality) => Encode(SKEncodedImageFormat.Jpeg, quality);

    private byte[] Encode(SKEncodedImageFormat format, int quality)
    {
        const int stride = Channels + 1;
        var pixels = new byte[Width * Height * stride];
        for (var i = 0; i < Width * Height; i++)
        {
            Rgb.Span.Slice(i * Channels, Channels).CopyTo(pixels.AsSpan(i * stride));
            pixels[(i * stride) + Channels] = byte.MaxValue;
        }
        using var image = SKImage.FromPixelCopy(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque), pixels);
        using var file = image.Encode(format, quality);
        return file.ToArray();
    }
}
