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

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(3, 1, 1)]
    [InlineData(3, 2, 0)]
    [InlineData(3, 2, 1)]
    public void The_form_for_the_meta_device_is_a_convolution(int kernel, int stride, int padding)
    {
        using var scope = NewDisposeScope();
        var (picture, weight, bias) = (Noise(2, 3, 8, 11).to(float64), Noise(5, 3, kernel, kernel).to(float64), Noise(5).to(float64));
        var expected = nn.functional.conv2d(picture, weight, bias, [stride, stride], [padding, padding]);
        Agreement.Values(OffsetConvolution.Forward(picture, weight, bias, stride, padding), expected, "output", tolerance: 1e-12);
    }

    [Fact]
    public void The_group_norm_for_the_meta_device_is_a_group_norm()
    {
        using var scope = NewDisposeScope();
        var (picture, weight, bias) = (Noise(2, 12, 5, 7).to(float64), Noise(12).to(float64), Noise(12).to(float64));
        var expected = nn.functional.group_norm(picture, 3, weight, bias, 1e-3);
        Agreement.Values(GroupNorm.ByLayerNorm(picture, 3, weight, bias, 1e-3), expected, "output", tolerance: 1e-12);
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
