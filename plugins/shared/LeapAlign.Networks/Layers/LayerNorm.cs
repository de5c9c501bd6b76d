using LeapAlign.Networks.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>Layer normalisation over the last dimension, biased variance, epsilon inside the root.</summary>
public sealed class LayerNorm
{
    private static readonly long[] LastDimension = [-1];
    private readonly Weight? _weight;
    private readonly Weight? _bias;
    private readonly long[] _shape;
    private readonly double _epsilon;

    /// <summary>With learnt scale and shift, declared as <c>weight</c> and <c>bias</c>.</summary>
    public LayerNorm(WeightScope scope, long width, double epsilon)
        : this(width, epsilon)
    {
        _weight = scope.Weight("weight", width);
        _bias = scope.Weight("bias", width);
    }

    /// <summary>Without scale and shift.</summary>
    public LayerNorm(long width, double epsilon)
    {
        _shape = [width];
        _epsilon = epsilon;
    }

    /// <summary>[..., width] to the same shape.</summary>
    public Tensor Forward(Tensor input) => input.device_type == DeviceType.META
        ? Written(input)
        : nn.functional.layer_norm(input, _shape, _weight?.Value, _bias?.Value, _epsilon);

    /// <summary>The same in single operations: the library's kernel cannot run on the "meta" device, where shapes are checked without memory.</summary>
    private Tensor Written(Tensor input)
    {
        var centred = input - input.mean(LastDimension, keepdim: true);
        var output = centred * centred.square().mean(LastDimension, keepdim: true).add(_epsilon).rsqrt();
        if (_weight is not null) output = output * _weight.Value;
        return _bias is null ? output : output + _bias.Value;
    }
}
