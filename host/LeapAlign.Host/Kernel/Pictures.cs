using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>Tensors as 8-bit pictures.</summary>
internal static class Pictures
{
    /// <summary>Rounds a picture to 8 bits.</summary>
    /// <param name="image">[3, H, W] in [0, 1].</param>
    /// <param name="caption">Its caption.</param>
    /// <param name="scores">Its rewards, by name.</param>
    public static SamplePicture Take(Tensor image, string caption, IReadOnlyDictionary<string, double> scores)
    {
        using var scope = NewDisposeScope();
        var bytes = image.detach().to(ScalarType.Float32).mul(255).round().clamp(0, 255).to(ScalarType.Byte).permute(1, 2, 0).contiguous().cpu();
        return new SamplePicture(caption, scores, (int)image.shape[2], (int)image.shape[1], bytes.data<byte>().ToArray());
    }
}
