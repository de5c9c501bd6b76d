using LeapAlign.Networks.Layers;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>The forms that evaluations without gradient take agree with the exact ones.</summary>
public class ForwardOnlyTests
{
    private static readonly float[] Extremes = [0, -0f, 1e-30f, -1e-30f, 30, -30, 1e4f, -1e4f, 1e30f, -1e30f];

    [Fact]
    public void They_apply_on_a_CPU_when_no_gradient_is_recorded()
    {
        using var scope = NewDisposeScope();
        Assert.False(ForwardOnly.Applies(ones(1)));
        using var _ = no_grad();
        Assert.True(ForwardOnly.Applies(ones(1)));
        Assert.True(ForwardOnly.Applies(ones(1, dtype: bfloat16)));
        Assert.False(ForwardOnly.Applies(ones(1, dtype: float64)));
        Assert.False(ForwardOnly.Applies(ones(1, device: META)));
    }

    [Fact]
    public void Gelu()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var input = cat([linspace(-12, 12, 4801, dtype: float32), tensor(Extremes)]);
        var exact = nn.functional.gelu(input.to(float64), TorchSharp.Modules.GELU.Approximate.tanh);
        var relative = (ForwardOnly.GeluTanh(input).to(float64) - exact).abs() / exact.abs().clamp_min(1e-3);
        Assert.True(relative.max().item<double>() < 2e-6, $"{relative.max().item<double>()}");
        var brief = ForwardOnly.GeluTanh(input.to(bfloat16));
        Assert.Equal(bfloat16, brief.dtype);
        exact = nn.functional.gelu(input.to(bfloat16).to(float64), TorchSharp.Modules.GELU.Approximate.tanh);
        relative = (brief.to(float64) - exact).abs() / exact.abs().clamp_min(1e-3);
        Assert.True(relative.max().item<double>() < 1.0 / 256, $"{relative.max().item<double>()}");
    }

    [Fact]
    public void Softmax()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var scores = cat([randn(64, 10, generator: new Generator(3)) * 20, tensor(Extremes).unsqueeze(0), zeros(1, 10)]);
        var weights = ForwardOnly.SoftmaxOfBinaryLogits(scores * ForwardOnly.BitsPerNat);
        Agreement.Values(weights, scores.to(float64).softmax(-1), "weights");
        Agreement.Values(ForwardOnly.SoftmaxOfBinaryLogits(scores.to(bfloat16)), (scores.to(bfloat16).to(float64) / ForwardOnly.BitsPerNat).softmax(-1), "weights", 1.0 / 256);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0.7)]
    public void Attention_is_the_same_with_and_without_gradient(double? scale)
    {
        using var scope = NewDisposeScope();
        Tensor Noise(int length, long seed) => randn(2, 3, length, 8, generator: new Generator((ulong)seed));
        var (query, key, value) = (Noise(5, 1), Noise(7, 2), Noise(7, 3));
        var recorded = Attention.Attend(query, key, value, scale: scale);
        using var _ = no_grad();
        Agreement.Values(Attention.Attend(query, key, value, scale: scale), recorded, "attended");
    }
}
