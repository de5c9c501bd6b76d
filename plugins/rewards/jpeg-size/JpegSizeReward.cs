using System.Runtime.InteropServices;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.JpegSize;

/// <summary>
/// Compressibility (Black et al., arXiv 2305.13301): the size of the picture as JPEG. The score is −kB/500 when small files are preferred and +kB/500
/// when large ones are, with kB = bytes / 1000. Not differentiable, and the prompt does not matter.
/// </summary>
/// <param name="settings">Quality and direction.</param>
public sealed class JpegSizeReward(JpegSizeSettings settings) : IReward
{
    private const double BytesPerKilobyte = 1000;
    private const double Divisor = 500;

    /// <inheritdoc/>
    /// <returns>[B], fp32, on the device of <paramref name="images"/>; NaN for a picture that has a value that is not finite.</returns>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (images.shape[0] != prompts.Count) throw new ArgumentException($"{images.shape[0]} pictures for {prompts.Count} prompts", nameof(prompts));
        var sign = settings.Prefer == PreferredSize.Small ? -1 : 1;
        return PictureBytes.Score(images, (picture, _) => sign * Size(picture) / BytesPerKilobyte / Divisor);
    }

    /// <summary>Bytes of the JPEG.</summary>
    private long Size(PictureBytes picture)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var rgb = picture.Rgb.Span;
        var pixels = new byte[rgb.Length / 3 * 4];
        for (var i = 0; i < rgb.Length / 3; i++)
        {
            rgb.Slice(i * 3, 3).CopyTo(pixels.AsSpan(i * 4));
            pixels[(i * 4) + 3] = byte.MaxValue;
        }
        Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        using var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, settings.Quality);
        return jpeg.Size;
    }
}
