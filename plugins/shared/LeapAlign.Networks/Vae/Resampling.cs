using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Vae;

/// <summary>The changes of resolution by two.</summary>
internal static class Resampling
{
    private static readonly long[] RightAndBottom = [0, 1, 0, 1];
    private static readonly double[] Twice = [2, 2];

    /// <summary>Halves: one row and column of zeros at the right and bottom only, then a convolution of stride 2.</summary>
    public static Func<Tensor, Tensor> Down(WeightScope scope, int channels)
    {
        var convolution = new Conv2d(scope / "downsamplers" / 0 / "conv", (channels, channels), kernel: 3, stride: 2);
        return input => convolution.Forward(nn.functional.pad(input, RightAndBottom));
    }

    /// <summary>Doubles: nearest neighbour, then a convolution.</summary>
    public static Func<Tensor, Tensor> Up(WeightScope scope, int channels)
    {
        var convolution = new Conv2d(scope / "upsamplers" / 0 / "conv", (channels, channels), kernel: 3, padding: 1);
        return input =>
        {
            using var wide = nn.functional.interpolate(input, scale_factor: Twice, mode: InterpolationMode.Nearest);
            return convolution.Forward(wide);
        };
    }
}
