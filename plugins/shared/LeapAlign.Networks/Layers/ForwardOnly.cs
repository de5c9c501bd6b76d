using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>
/// Forms of two functions for evaluations that nobody differentiates, which is most of a rollout, on a CPU. libtorch's kernels spend most of their time
/// in an exact tanh or exp; composed of cheap kernels and computed in place the same values take half the time. As separate operations they would cost
/// more in a backward pass than they save, so they are for no_grad only.
/// </summary>
internal static class ForwardOnly
{
    /// <summary>log₂ e: what scores are multiplied with for <see cref="SoftmaxOfBinaryLogits"/>.</summary>
    public static readonly double BitsPerNat = 1 / Math.Log(2);

    private const double CubicTerm = 0.044715;
    private static readonly Scalar Cubic = (float)CubicTerm;
    private static readonly Scalar Slope = (float)(2 * Math.Sqrt(2 / Math.PI));
    private static readonly long[] LastDimension = [-1];

    /// <summary>Whether the forms apply: no gradient is recorded, on a CPU, in a type for which they are accurate enough.</summary>
    public static bool Applies(Tensor input) =>
        !is_grad_enabled() && input.device_type == DeviceType.CPU && input.dtype is ScalarType.Float32 or ScalarType.BFloat16;

    /// <summary><c>½ x (1 + tanh u) = x · sigmoid(2u)</c> with <c>u = √(2/π)(x + 0.044715 x³)</c>.</summary>
    public static Tensor GeluTanh(Tensor input)
    {
        using var scope = NewDisposeScope();
        var wide = input.to(ScalarType.Float32);
        var gate = wide.addcmul(wide, wide * wide, Cubic).mul_(Slope).sigmoid_().mul_(wide);
        return gate.to(input.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The softmax of <c>logits · ln 2</c> over the last dimension.</summary>
    public static Tensor SoftmaxOfBinaryLogits(Tensor logits)
    {
        using var scope = NewDisposeScope();
        var wide = logits.to(ScalarType.Float32);
        var weights = wide.sub(wide.amax(LastDimension, keepdim: true)).exp2_();
        weights.div_(weights.sum(-1, keepdim: true));
        return weights.to(logits.dtype).MoveToOuterDisposeScope();
    }
}
