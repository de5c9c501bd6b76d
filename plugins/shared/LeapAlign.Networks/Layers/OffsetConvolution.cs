using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>
/// A convolution as a sum of matrix products, one for each place of the kernel. Slow, but made of operations that every device has: libtorch has no
/// convolution for the "meta" device.
/// </summary>
internal static class OffsetConvolution
{
    /// <summary>[B, in, H, W], [out, in, k, k] and [out] to [B, out, H', W'].</summary>
    public static Tensor Forward(Tensor input, Tensor weight, Tensor bias, long stride, long padding)
    {
        using var scope = NewDisposeScope();
        var kernel = weight.shape[^1];
        var padded = nn.functional.pad(input, [padding, padding, padding, padding]).permute(0, 2, 3, 1);
        var (rows, columns) = (Places(padded.shape[1]), Places(padded.shape[2]));
        var output = bias;
        for (var y = 0L; y < kernel; y++)
        {
            for (var x = 0L; x < kernel; x++)
            {
                var seen = padded.slice(1, y, y + ((rows - 1) * stride) + 1, stride).slice(2, x, x + ((columns - 1) * stride) + 1, stride);
                output = output + seen.matmul(weight.select(3, x).select(2, y).t());
            }
        }
        return output.permute(0, 3, 1, 2).MoveToOuterDisposeScope();

        long Places(long length) => ((length - kernel) / stride) + 1;
    }
}
