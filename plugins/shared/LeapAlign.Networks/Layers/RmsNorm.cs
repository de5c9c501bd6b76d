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
        // A product, not square(): the gradient of a power costs ten times as much. The factor is rounded to the input's type before it is applied, so
        // that in reduced precision nothing as large as the input is computed in fp32 but the squares.
        var inverse = (wide * wide).mean(LastDimension, keepdim: true).add(_epsilon).rsqrt().to(input.dtype);
        return (input * inverse * _weight.Value).MoveToOuterDisposeScope();
    }
}
