using LeapAlign.Contracts.Planning;
using LeapAlign.Networks.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>A convolution with a square kernel and bias.</summary>
public sealed class Conv2d
{
    // The AVX-512 kernels of libtorch 2.10's oneDNN are wrong (in value or gradient, silently) for channel counts that do not fill their registers: they
    // read the padding of the last block of 16, and of the last pair of blocks when the stride is not 1, without having cleared it. So on a CPU the
    // channels are filled up with zeros here. The widths of real autoencoders are multiples already; only pictures and latents are widened.
    private const long Block = 16;
    private readonly Weight _weight;
    private readonly Weight _bias;
    private readonly long[] _stride;
    private readonly long[] _padding;
    private readonly long _outputs;
    private readonly long _missingInputs;
    private readonly long _missingOutputs;

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
        _outputs = channels.Out;
        _missingInputs = MissingTo(stride == 1 ? Block : 2 * Block, channels.In);
        _missingOutputs = MissingTo(Block, channels.Out);
    }

    /// <summary>The type of the layer's arithmetic.</summary>
    public ScalarType ComputeType => _weight.ComputeType;

    /// <summary>[B, in, H, W] to [B, out, H', W'].</summary>
    public Tensor Forward(Tensor input)
    {
        var places = input.shape[0] * (input.shape[2] / _stride[0]) * (input.shape[3] / _stride[0]);
        WorkCount.Add(places, _weight.Shape[1] * _weight.Shape[2] * _weight.Shape[3], _outputs);
        if (input.device_type == DeviceType.META) return OffsetConvolution.Forward(input, _weight.Value, _bias.Value, _stride[0], _padding[0]);
        if (input.device_type != DeviceType.CPU || (_missingInputs == 0 && _missingOutputs == 0))
            return nn.functional.conv2d(input, _weight.Value, _bias.Value, _stride, _padding);
        using var scope = NewDisposeScope();
        var weight = nn.functional.pad(_weight.Value, [0, 0, 0, 0, 0, _missingInputs, 0, _missingOutputs]);
        var bias = nn.functional.pad(_bias.Value, [0, _missingOutputs]);
        var filled = nn.functional.pad(input, [0, 0, 0, 0, 0, _missingInputs]);
        return nn.functional.conv2d(filled, weight, bias, _stride, _padding).narrow(1, 0, _outputs).MoveToOuterDisposeScope();
    }

    private static long MissingTo(long unit, long channels) => (unit - (channels % unit)) % unit;
}
