using LeapAlign.Networks.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>Normalisation per sample over groups of channels and all places, biased variance, with learnt scale and shift.</summary>
public sealed class GroupNorm
{
    private static readonly Scalar One = 1;
    private readonly Weight _weight;
    private readonly Weight _bias;
    private readonly int _groups;
    private readonly double _epsilon;

    /// <summary>Declares <c>weight</c> and <c>bias</c>.</summary>
    public GroupNorm(WeightScope scope, int groups, int channels, double epsilon)
    {
        _weight = scope.Weight("weight", channels);
        _bias = scope.Weight("bias", channels);
        _groups = groups;
        _epsilon = epsilon;
    }

    /// <summary>[B, channels, ...] to the same shape.</summary>
    public Tensor Forward(Tensor input) => input.device_type == DeviceType.META
        ? ByLayerNorm(input, _groups, _weight.Value, _bias.Value, _epsilon)
        : nn.functional.group_norm(input, _groups, _weight.Value, _bias.Value, _epsilon);

    /// <summary>The same by operations that the "meta" device has; libtorch's group norm is not among them.</summary>
    internal static Tensor ByLayerNorm(Tensor input, int groups, Tensor weight, Tensor bias, double epsilon)
    {
        using var scope = NewDisposeScope();
        var shape = input.shape;
        var grouped = input.reshape(shape[0], groups, -1);
        var normalised = nn.functional.layer_norm(grouped, [grouped.shape[2]], null, null, epsilon).reshape(shape[0], shape[1], -1);
        return addcmul(bias.unsqueeze(1), normalised, weight.unsqueeze(1), One).reshape(shape).MoveToOuterDisposeScope();
    }
}
