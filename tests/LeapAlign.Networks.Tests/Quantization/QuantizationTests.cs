using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Quantization;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;
using Form = LeapAlign.Networks.Quantization.Quantization;

namespace LeapAlign.Networks.Tests.Quantization;

/// <summary>Weights in fewer bits: how far off they are, and products and gradients with them.</summary>
public sealed class QuantizationTests : IDisposable
{
    private static readonly RandomKey s_key = RandomKey.OfRun(11);
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-bits-").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData("int8", 96, 200, 0.005, 0.012)]
    [InlineData("int8", 300, 64, 0.005, 0.012)]
    [InlineData("nf4", 96, 200, 0.08, 0.1)]
    [InlineData("nf4", 128, 64, 0.08, 0.1)]
    public void A_product_with_normal_weights_is_off_by_what_the_form_says(string name, long outputs, long inputs, double least, double most)
    {
        foreach (var type in (ScalarType[])[float32, bfloat16])
        {
            using var network = Network(name, outputs, inputs, type, out var layer, out var exact);
            var input = s_key.For("input").Normal([31, inputs], CPU);
            using var _ = no_grad();
            var expected = nn.functional.linear(input, exact.Weight, exact.Bias);
            var error = (double)((layer.Forward(input.to(type)).to(float32) - expected).norm() / expected.norm()).item<float>();
            Assert.InRange(error, least, most);
        }
    }

    [Fact]
    public void Int8_keeps_every_row_to_half_a_step_of_its_own_scale()
    {
        using var network = Network("int8", 40, 130, float32, out _, out var exact);
        var error = (network.All[0].Value - exact.Weight).abs();
        // The scale is the largest magnitude over 127, rounded up to bf16: at most 1/64 more.
        var step = exact.Weight.abs().amax([1]) / 127;
        Assert.True((error <= (step * (0.5 * (1 + (1.0 / 64)))).unsqueeze(1)).all().item<bool>());
        // And it is not coarser than it says.
        Assert.True((error.amax([1]) >= step * 0.3).all().item<bool>());
    }

    [Fact]
    public void What_lies_on_the_grid_comes_back_to_the_bit()
    {
        // Every code of each form, at a scale that bf16 holds.
        var integers = arange(-127, 128).to(float32).mul(0.25).unsqueeze(0);
        Assert.Equal(integers, Returned("int8", integers), s_same);
        float[] quantiles =
        [
            -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
            0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
        ];
        // Two rows of 70: the second block of each is filled up.
        var normal = cat([tensor(quantiles).repeat(4), tensor(quantiles)[^6..]]).mul(0.5).repeat(2).view(2, 70);
        Assert.Equal(normal, Returned("nf4", normal), s_same);
    }

    [Theory]
    [InlineData("int8")]
    [InlineData("nf4")]
    public void Rows_of_zeros_stay_zeros(string name)
    {
        var rows = zeros(3, 64);
        Assert.Equal(rows, Returned(name, rows), s_same);
    }

    [Theory]
    [InlineData("int8", true)]
    [InlineData("int8", false)]
    [InlineData("nf4", true)]
    public void The_gradient_is_that_of_the_product_with_the_dequantised_weight(string name, bool bias)
    {
        using var network = Network(name, 24, 72, float32, out var layer, out var exact, bias);
        var weight = network.All[0].Value;
        var (first, second) = (s_key.For("x").Normal([2, 5, 72], CPU).requires_grad_(), s_key.For("x").Normal([2, 5, 72], CPU).requires_grad_());
        var upstream = s_key.For("upstream").Normal([2, 5, 24], CPU);
        using (var calls = new GraphCalls())
        {
            // Twice in one graph, as two anchors of a rollout are.
            layer.Forward(first).tanh().backward([upstream]);
            calls.Complete();
        }
        nn.functional.linear(second, weight, exact.Bias).tanh().backward([upstream]);
        Assert.True(first.grad!.allclose(second.grad!, 1e-5, 1e-6), $"{(first.grad! - second.grad!).abs().max().item<float>()}");
        // Without a gradient that anyone asks for there is no graph.
        Assert.False(layer.Forward(first.detach()).requires_grad);
    }

    [Fact]
    public void A_second_derivative_is_refused_where_the_backward_was_asked_for()
    {
        using var network = Network("int8", 8, 8, float32, out var layer, out _);
        var input = ones(1, 8).requires_grad_();
        using var calls = new GraphCalls();
        _ = autograd.grad([layer.Forward(input).sum()], [input], create_graph: true, allow_unused: true);
        Assert.Contains("second derivative", Assert.Throws<NotSupportedException>(calls.Complete).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_attention_and_feed_forward_layers_are_stored_in_fewer_bits()
    {
        using var network = new WeightSet();
        foreach (var role in Enum.GetValues<SiteRole>()) _ = new Linear(network.Root / role.ToString(), 4, 4, role: role);
        _ = new Linear(network.Root / "frozen", 4, 4);
        Assert.Equal(["Attention.weight", "FeedForward.weight"], network.All.Where(static weight => weight.IsQuantisable).Select(static weight => weight.Name));
    }

    [Theory]
    [InlineData("int8", 1.0)]
    [InlineData("nf4", 0.53125)]
    public void A_form_takes_the_bytes_that_it_says(string name, double bytesPerWeight)
    {
        var parts = Form.Of(name)!.Parts(3072, 12288);
        var bytes = parts.Sum(static part => part.Shape.Aggregate(1L, static (product, size) => product * size) * empty(0, dtype: part.Type).element_size());
        Assert.InRange(bytes / (3072.0 * 12288), bytesPerWeight, bytesPerWeight + 0.001);
    }

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static readonly IEqualityComparer<Tensor> s_same = EqualityComparer<Tensor>.Create(static (left, right) => left!.shape.SequenceEqual(right!.shape) && left.equal(right).all().item<bool>(), static _ => 0);

    private Tensor Returned(string form, Tensor weight)
    {
        using var network = Load(form, weight, null, float32, out _);
        return network.All[0].Value;
    }

    private WeightSet Network(string form, long outputs, long inputs, ScalarType type, out Linear layer, out (Tensor Weight, Tensor? Bias) exact, bool bias = true)
    {
        exact = (s_key.For("weight").Normal([outputs, inputs], CPU) * 0.02, bias ? s_key.For("bias").Normal([outputs], CPU) * 0.1 : null);
        return Load(form, exact.Weight, exact.Bias, type, out layer);
    }

    private WeightSet Load(string form, Tensor weight, Tensor? bias, ScalarType type, out Linear layer)
    {
        var network = new WeightSet();
        layer = new Linear(network.Root / "layer", weight.shape[1], weight.shape[0], bias is not null, SiteRole.Attention);
        var folder = Path.Combine(_folder, "model");
        Directory.CreateDirectory(folder);
        List<TensorToWrite> tensors = [new TensorToWrite("layer.weight", weight, float32)];
        if (bias is not null) tensors.Add(new TensorToWrite("layer.bias", bias, float32));
        Recording.Require(SafetensorsWriter.WriteFolder(folder, "model", tensors));
        using var source = Recording.Require(SafetensorsFolder.Open(folder));
        var cache = new QuantizationCache(Path.Combine(_folder, "cache"));
        Recording.Require(network.Load(source, CPU, type, keeping: WeightKeeping.Mapped, quantized: named => cache.Open(source, named, Form.Of(form)!).Map(file => (file, Form.Of(form)!))));
        network.SetTrained(false);
        network.ComputeIn(type);
        return network;
    }
}
