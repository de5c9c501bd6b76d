using System.Globalization;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using SkiaSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>Pictures from files, in the formats that the codecs know, PNG, JPEG and WebP among them: what their pixels say, without a change of colours, and as they lie in the file.</summary>
internal static class PictureFile
{
    private const int Channels = 4;

    private static readonly string[] s_endings = [".png", ".jpg", ".jpeg", ".webp"];

    /// <summary>What names of pictures end in, for messages.</summary>
    public static string Endings { get; } = string.Join(", ", s_endings);

    /// <summary>Whether a file of a folder is a picture by its name.</summary>
    public static bool IsNamed(string path) => s_endings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Looks at the beginning of a file.</summary>
    /// <param name="path">Its full path.</param>
    /// <param name="name">What faults call it.</param>
    /// <returns>LA4010 when it is no picture.</returns>
    public static Result<Unit> Check(string path, string name)
    {
        try
        {
            using var codec = Open(path, name);
            return Unit.Value;
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    /// <summary>Reads a picture to its end.</summary>
    /// <param name="path">Its full path.</param>
    /// <param name="name">What faults call it.</param>
    /// <returns>8 bits a channel, red first, multiplied by alpha.</returns>
    /// <exception cref="FaultException">LA4010 when it cannot be read.</exception>
    public static SKBitmap Decode(string path, string name)
    {
        using var codec = Open(path, name);
        var bitmap = new SKBitmap(Info(codec));
        var outcome = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (outcome == SKCodecResult.Success) return bitmap;
        bitmap.Dispose();
        throw Unreadable(name, outcome == SKCodecResult.IncompleteInput ? "the file ends before the picture does" : $"it is damaged ({outcome})");
    }

    /// <summary>A picture as rewards see it; what shows through is white.</summary>
    /// <param name="path">Its full path.</param>
    /// <param name="name">What faults call it.</param>
    /// <returns>[3, H, W], fp32 in [0, 1].</returns>
    /// <exception cref="FaultException">LA4010 when it cannot be read.</exception>
    public static Tensor Read(string path, string name)
    {
        using var bitmap = Decode(path, name);
        using var scope = NewDisposeScope();
        var pixels = tensor(bitmap.Bytes, [bitmap.Height, bitmap.Width, Channels], dtype: ScalarType.Byte).permute(2, 0, 1).to(ScalarType.Float32);
        var colours = pixels.narrow(0, 0, Channels - 1);
        if (bitmap.AlphaType != SKAlphaType.Opaque) colours += byte.MaxValue - pixels.narrow(0, Channels - 1, 1);
        // In the order of decoded latents: a reward may add pixels up in the order in which they lie.
        return colours.div(byte.MaxValue).contiguous().MoveToOuterDisposeScope();
    }

    private static SKImageInfo Info(SKCodec codec) =>
        new(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Premul);

    private static SKCodec Open(string path, string name)
    {
        try
        {
            // Opening a pipe would wait for whoever writes into it.
            if (RegularFile.IsSpecial(path)) throw Unreadable(name, RegularFile.OtherThanFile(path)!);
            var stream = File.OpenRead(path);
            if (SKCodec.Create(stream) is not { } codec)
            {
                stream.Dispose();
                throw Unreadable(name, "it is no picture in a known format");
            }
            // It owns the stream from now on.
            var info = Info(codec);
            if (info.BytesSize64 <= Array.MaxLength) return codec;
            codec.Dispose();
            throw Unreadable(name, string.Create(CultureInfo.InvariantCulture, $"it has {info.Width} x {info.Height} pixels, more than can be held"));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Unreadable(name, "there is no such file");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(name, exception.Message.TrimEnd('.'));
        }
    }

    private static FaultException Unreadable(string name, string why) => new(new Fault.Input(FaultCodes.BadPromptFile, $"the picture cannot be read: {why}", new SourcePlace(name)));
}
