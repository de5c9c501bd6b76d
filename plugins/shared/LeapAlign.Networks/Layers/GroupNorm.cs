using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>Normalisation per sample over groups of channels and all places, biased variance, with learnt scale and shift.</summary>
public sealed class GroupNorm
{
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
    public Tensor Forward(Tensor input) => nn.functional.group_norm(input, _groups, _weight.Value, _bias.Value, _epsilon);
}
