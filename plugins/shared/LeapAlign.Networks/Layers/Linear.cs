using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary><c>y = x Wᵀ + b</c> over the last dimension; <c>W</c> is [out, in].</summary>
public sealed class Linear
{
    private readonly Weight _weight;
    private readonly Weight? _bias;

    /// <summary>Declares <c>weight</c> and, with <paramref name="bias"/>, <c>bias</c>.</summary>
    public Linear(WeightScope scope, long inputs, long outputs, bool bias = true)
    {
        _weight = scope.Weight("weight", outputs, inputs);
        _bias = bias ? scope.Weight("bias", outputs) : null;
    }

    /// <summary>[..., in] to [..., out].</summary>
    public Tensor Forward(Tensor input) => nn.functional.linear(input, _weight.Value, _bias?.Value);
}
