using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>Convolutions in single precision and bfloat16 against double precision, which other kernels compute, for channel counts of every kind.</summary>
public class Conv2dTests
{
    private static readonly int[] Channels = [1, 3, 4, 16, 20, 24, 40, 48, 64, 72, 112];
    private static readonly int[] Strides = [1, 2];

    public static TheoryData<int, int, int> Kinds => new(
        from inputs in Channels
        from outputs in Channels
        from stride in Strides
        select (inputs, outputs, stride));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Values_and_gradients_are_right(int inputs, int outputs, int stride)
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var layer = new Conv2d(weights.Root, (inputs, outputs), kernel: 3, stride: stride, padding: 1);
        weights.Allocate(CPU, float32);
        using (no_grad())
        {
            foreach (var weight in weights.All) weight.Master.copy_(Noise([.. weight.Shape]) / Math.Sqrt(9 * inputs));
        }
        weights.SetTrained(true);
        var picture = Noise(3, inputs, 7, 10);
        var exact = Run(layer, weights, picture, float64);
        foreach (var (type, tolerance) in new[] { (float32, 1e-5), (bfloat16, 3e-2) })
        {
            var actual = Run(layer, weights, picture, type);
            for (var i = 0; i < exact.Length; i++) Agreement.Gradient(actual[i], exact[i], largestNorm: 0, $"{type} {i}", tolerance);
        }
    }

    private static Tensor[] Run(Conv2d layer, WeightSet weights, Tensor picture, ScalarType type)
    {
        weights.ComputeIn(type);
        foreach (var weight in weights.All) weight.Master.grad?.zero_();
        var input = picture.to(type).detach().requires_grad_();
        var output = layer.Forward(input);
        output.sin().sum().backward();
        return [output.detach(), input.grad!, .. weights.All.Select(weight => weight.Master.grad!.clone())];
    }

    private static Tensor Noise(params long[] shape) => randn(shape, dtype: float32, generator: new Generator(17));
}
