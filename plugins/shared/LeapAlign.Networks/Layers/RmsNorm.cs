using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>Root-mean-square normalisation over the last dimension: <c>x · rsqrt(mean(x²) + ε) · w</c>, the mean in fp32 or wider.</summary>
public sealed class RmsNorm
{
    private static readonly long[] LastDimension = [-1];
    private readonly Weight _weight;
    private readonly TorchSharp.Scalar _epsilon;

    /// <summary>Declares <c>weight</c>.</summary>
    public RmsNorm(WeightScope scope, long width, double epsilon)
    {
        _weight = scope.Weight("weight", width);
        _epsilon = epsilon;
    }

    /// <summary>[..., width] to the same shape and type.</summary>
    public Tensor Forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var wide = input.dtype == ScalarType.Float64 ? input : input.to(ScalarType.Float32);
        var inverse = wide.square().mean(LastDimension, keepdim: true).add(_epsilon).rsqrt();
        return ((wide * inverse).to(input.dtype) * _weight.Value).MoveToOuterDisposeScope();
    }
}
