using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Quantization;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Tests.Diffusion;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;
using Form = LeapAlign.Networks.Quantization.Quantization;

namespace LeapAlign.Networks.Tests.Weights;

/// <summary>Weights that lie in the memory of the machine and come to a device for each use. The CPU stands for a device that has values, "meta" for one that is not the CPU.</summary>
public sealed class WeightHomeTests : IDisposable
{
    private static readonly WeightHome s_copying = new(CPU, OnHost: true) { Copies = true };
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-home-").FullName;
    private readonly ReferenceCase _reference = new("sd3-dual");
    private readonly DisposeScope _scope = NewDisposeScope();

    private string Path => System.IO.Path.Combine(_folder, "weights.safetensors");

    [Theory]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16, WeightKeeping.Mapped)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, WeightKeeping.Mapped)]
    [InlineData(ScalarType.Float32, ScalarType.BFloat16, WeightKeeping.Converted)]
    [InlineData(ScalarType.Float16, ScalarType.Float32, WeightKeeping.Converted)]
    [InlineData(ScalarType.Float32, ScalarType.Float32, WeightKeeping.Owned)]
    public void Values_and_gradients_are_those_of_weights_that_lie_on_the_device(ScalarType stored, ScalarType computed, WeightKeeping keeping)
    {
        Save(stored);
        var (output, gradient) = Evaluate(CPU, computed, WeightKeeping.Owned);
        var (copied, through) = Evaluate(s_copying, computed, keeping);
        Assert.True(output.equal(copied).all().item<bool>());
        Assert.True(gradient.abs().max().item<float>() > 0);
        Assert.True(gradient.equal(through).all().item<bool>());
    }

    [Fact]
    public void On_the_CPU_nothing_is_copied() => Assert.False(new WeightHome(CPU, OnHost: true).Copies);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_graph_keeps_no_weight_of_a_product(bool copies)
    {
        using var weights = Layer("none", copies ? s_copying : CPU, out var layer);
        var input = RandomKey.OfRun(3).Normal([5, 72], CPU).requires_grad_();
        var loss = layer.Forward(input).sum();
        using (no_grad()) weights.All[0].Master.fill_(2);
        if (!copies)
        {
            // libtorch notices that what the graph kept was written to.
            Assert.ThrowsAny<Exception>(() => loss.backward());
            return;
        }
        loss.backward();
        Assert.True(input.grad!.eq(48).all().item<bool>());
    }

    [Theory]
    [InlineData("int8")]
    [InlineData("nf4")]
    public void Fewer_bits_come_to_the_device_as_they_are(string form)
    {
        var input = RandomKey.OfRun(3).Normal([5, 72], CPU).requires_grad_();
        (Tensor, Tensor) Of(WeightHome home)
        {
            using var weights = Layer(form, home, out var layer);
            Assert.True(weights.All[0].IsQuantised);
            var output = layer.Forward(input);
            return (output.detach(), autograd.grad([output.square().sum()], [input])[0]);
        }
        var ((output, gradient), (copied, through)) = (Of(CPU), Of(s_copying));
        Assert.True(output.equal(copied).all().item<bool>() && gradient.equal(through).all().item<bool>());
    }

    [Theory]
    [InlineData(ScalarType.Float32, WeightKeeping.Mapped)]
    [InlineData(ScalarType.BFloat16, WeightKeeping.Mapped)]
    [InlineData(ScalarType.Float32, WeightKeeping.Converted)]
    public void Weights_wait_on_the_host_and_are_used_on_the_device(ScalarType stored, WeightKeeping keeping)
    {
        Save(stored);
        using var weights = new WeightSet();
        var network = Load(weights, new WeightHome(META, OnHost: true), bfloat16, keeping);
        foreach (var weight in weights.All)
        {
            Assert.Equal(DeviceType.CPU, weight.Master.device_type);
            using var value = weight.Value;
            Assert.Equal((DeviceType.META, weight.IsBuffer ? weight.Master.dtype : bfloat16), (value.device_type, value.dtype));
            Assert.Equal(value.dtype, weight.ComputeType);
        }
        Tensor There(string name) => _reference.Recorded(name).to(META);
        var latents = There("in.latents").requires_grad_();
        var output = network.Forward(latents, There("in.context"), There("in.pooled"), There("in.timestep"));
        Assert.Equal(DeviceType.META, output.device_type);
        Assert.Equal(latents.shape, output.shape);
        output.sum().backward();
        Assert.Equal(DeviceType.META, latents.grad!.device_type);
        Assert.Equal(weights.All.Sum(static weight => weight.Master.numel() * weight.Master.element_size()), weights.Bytes);
    }

    [Fact]
    public void What_waits_on_the_host_is_not_trained()
    {
        Save(bfloat16);
        using var weights = new WeightSet();
        Load(weights, s_copying, bfloat16, WeightKeeping.Mapped);
        Assert.Contains("cannot be trained", Assert.Throws<InvalidOperationException>(() => weights.SetTrained(true)).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Save(ScalarType type)
    {
        var source = _reference.Weights;
        Recording.Require(SafetensorsWriter.Write(Path, [.. source.Entries.Keys.Select(name => new TensorToWrite(name, Recording.Require(source.Read(name)), type))]));
    }

    private Sd3Transformer Load(WeightSet weights, WeightHome home, ScalarType computed, WeightKeeping keeping)
    {
        var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(_reference.ConfigPath)), weights.Root);
        using (var file = Recording.Require(SafetensorsFile.Open(Path))) Recording.Require(weights.Load(file, home, computed, keeping: keeping));
        weights.SetTrained(false);
        weights.ComputeIn(computed);
        return network;
    }

    private (Tensor Output, Tensor Gradient) Evaluate(WeightHome home, ScalarType computed, WeightKeeping keeping)
    {
        using var weights = new WeightSet();
        var network = Load(weights, home, computed, keeping);
        var latents = _reference.Recorded("in.latents").requires_grad_();
        var output = network.Forward(latents, _reference.Recorded("in.context"), _reference.Recorded("in.pooled"), _reference.Recorded("in.timestep"));
        return (output.detach(), autograd.grad([output.square().sum()], [latents])[0]);
    }

    private WeightSet Layer(string form, WeightHome home, out Linear layer)
    {
        var network = new WeightSet();
        layer = new Linear(network.Root / "layer", 72, 24, bias: true, SiteRole.Attention);
        var folder = System.IO.Path.Combine(_folder, "layer");
        Directory.CreateDirectory(folder);
        Recording.Require(SafetensorsWriter.WriteFolder(
            folder,
            "model",
            [new TensorToWrite("layer.weight", RandomKey.OfRun(1).Normal([24, 72], CPU), float32), new TensorToWrite("layer.bias", RandomKey.OfRun(2).Normal([24], CPU), float32)]));
        using var source = Recording.Require(SafetensorsFolder.Open(folder));
        var cache = new QuantizationCache(System.IO.Path.Combine(_folder, "cache"));
        QuantizedSource? fewer = Form.Of(form) is { } found ? named => cache.Open(source, named, found).Map(file => (file, found)) : null;
        Recording.Require(network.Load(source, home, float32, quantized: fewer));
        network.SetTrained(false);
        network.ComputeIn(float32);
        return network;
    }
}
