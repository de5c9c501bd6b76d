using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Remote;

/// <summary>A batch of pictures as 8-bit pixels in memory of their own: what comes after works without tensors, on any thread.</summary>
internal sealed class PictureBytes
{
    private const int Channels = 4;

    private readonly byte[] _pixels;
    private readonly int _width;
    private readonly int _height;

    /// <summary>Rounds the pictures to 8 bits, as a file would: <c>round(255 x)</c>.</summary>
    /// <param name="images">[B, 3, H, W] in [0, 1], on any device.</param>
    public PictureBytes(Tensor images)
    {
        (_height, _width) = ((int)images.shape[2], (int)images.shape[3]);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var colours = (images.to(ScalarType.Float32) * 255).round().clamp(0, 255).to(ScalarType.Byte).permute(0, 2, 3, 1);
        var opaque = full_like(colours.narrow(-1, 0, 1), byte.MaxValue);
        _pixels = cat([colours, opaque], -1).contiguous().cpu().data<byte>().ToArray();
    }

    /// <summary>A picture as PNG, which loses nothing.</summary>
    /// <param name="index">Its place in the batch, from 0.</param>
    public byte[] Png(int index)
    {
        var size = _width * _height * Channels;
        var info = new SKImageInfo(_width, _height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var image = SKImage.FromPixelCopy(info, _pixels.AsSpan(index * size, size));
        using var file = image.Encode(SKEncodedImageFormat.Png, quality: 100);
        return file.ToArray();
    }
}
