using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>A convolution with a square kernel and bias.</summary>
public sealed class Conv2d
{
    private readonly Weight _weight;
    private readonly Weight _bias;
    private readonly long[] _stride;
    private readonly long[] _padding;

    /// <summary>Declares <c>weight</c> [out, in, kernel, kernel] and <c>bias</c>.</summary>
    /// <param name="scope">The layer's scope.</param>
    /// <param name="channels">The channels that come in and go out.</param>
    /// <param name="kernel">The kernel's edge.</param>
    /// <param name="stride">The step between its places.</param>
    /// <param name="padding">Zeros around the picture.</param>
    public Conv2d(WeightScope scope, (long In, long Out) channels, long kernel, long stride = 1, long padding = 0)
    {
        _weight = scope.Weight("weight", channels.Out, channels.In, kernel, kernel);
        _bias = scope.Weight("bias", channels.Out);
        _stride = [stride, stride];
        _padding = [padding, padding];
    }

    /// <summary>The type of the layer's arithmetic.</summary>
    public ScalarType ComputeType => _weight.Value.dtype;

    /// <summary>[B, in, H, W] to [B, out, H', W'].</summary>
    public Tensor Forward(Tensor input) => nn.functional.conv2d(input, _weight.Value, _bias.Value, _stride, _padding);
}
