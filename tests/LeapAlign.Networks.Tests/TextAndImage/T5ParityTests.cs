using LeapAlign.Networks.T5;
using LeapAlign.Networks.Tests.Diffusion;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>T5 against transformers: output and gradients of every parameter.</summary>
public class T5ParityTests
{
    [Fact]
    public void Agrees_with_the_reference()
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase("t5");
        using var weights = new WeightSet();
        var network = Load(reference.Weights, weights, Config(reference), float32);
        weights.SetTrained(true);
        weights.Refresh();
        var output = network.Forward(reference.Recorded("in.ids"));
        Agreement.Values(output, reference.Recorded("out"), "output");
        reference.CompareGradients(output, weights, new Dictionary<string, Tensor>());
    }

    [Theory]
    [InlineData("encoder.embed_tokens.weight")]
    [InlineData("encoder.embed_tokens.weight", "shared.weight")]
    [InlineData("shared.weight", "encoder.embed_tokens.weight")]
    public void Token_table_may_be_stored_under_either_name_or_both(params string[] names)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase("t5");
        using var weights = new WeightSet();
        var network = Load(new Renamed(reference.Weights, names), weights, Config(reference), float32);
        Agreement.Values(network.Forward(reference.Recorded("in.ids")), reference.Recorded("out"), "output");
    }

    [Fact]
    public void Token_tables_that_differ_are_a_fault()
    {
        using var scope = NewDisposeScope();
        var reference = new ReferenceCase("t5");
        using var weights = new WeightSet();
        _ = new T5Encoder(Config(reference), weights.Root);
        const string other = "encoder.embed_tokens.weight";
        var fault = weights.Load(new Renamed(reference.Weights, "shared.weight", other) { Changed = other }, CPU, float32, T5Encoder.DeclaredName).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.TensorMismatch, fault?.Code);
        Assert.Contains($"'shared.weight' and '{other}' are one tensor", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_overflow_half_precision_stay_finite_in_it()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceCase("t5");
        var ids = reference.Recorded("in.ids");
        Tensor Output(ScalarType type)
        {
            using var weights = new WeightSet();
            var network = Load(reference.Weights, weights, Config(reference), float32);
            // As in published files: activations before the last projection of the MLP that fp16 cannot add up.
            foreach (var weight in weights.All.Where(weight => weight.Name.EndsWith("wo.weight", StringComparison.Ordinal)))
                weight.Master.mul_(3e4 / weight.Master.abs().max().item<float>());
            weights.ComputeIn(type);
            return network.Forward(ids);
        }
        var half = Output(float16);
        Assert.True(half.isfinite().all().item<bool>());
        Assert.Equal(float16, half.dtype);
    }

    [Fact]
    public void Ungated_feed_forward_of_the_first_release()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var config = Config(new ReferenceCase("t5")) with { Layers = 1, Gated = false, Activation = static input => nn.functional.relu(input) };
        using var weights = new WeightSet();
        var network = new T5Encoder(config, weights.Root);
        weights.Allocate(CPU, float64);
        using var random = new Generator(7);
        foreach (var weight in weights.All) weight.Master.normal_(generator: random);
        Tensor Named(string name) => weights.All.Single(weight => weight.Name.EndsWith(name, StringComparison.Ordinal)).Master;
        // With its attention silenced a one-block encoder is short enough to write down.
        Named("SelfAttention.o.weight").zero_();
        var ids = arange(Math.Min(config.Vocabulary, 5), dtype: int64).unsqueeze(0);
        Tensor Norm(Tensor input, Tensor weight) => input / input.square().mean([-1], keepdim: true).add(config.Epsilon).sqrt() * weight;
        var hidden = Named("shared.weight")[ids];
        var inner = Norm(hidden, Named("layer.1.layer_norm.weight")).matmul(Named("DenseReluDense.wi.weight").t()).clamp(min: 0);
        var expected = Norm(hidden + inner.matmul(Named("DenseReluDense.wo.weight").t()), Named("final_layer_norm.weight"));
        Agreement.Values(network.Forward(ids), expected, "output", tolerance: 1e-12);
    }

    private static T5Config Config(ReferenceCase reference) => Recording.Require(T5Config.Read(reference.ConfigPath));

    private static T5Encoder Load(IWeightSource source, WeightSet weights, T5Config config, ScalarType type)
    {
        var network = new T5Encoder(config, weights.Root);
        Recording.Require(weights.Load(source, CPU, type, T5Encoder.DeclaredName));
        return network;
    }

    /// <summary>The file with its token table under other names.</summary>
    private sealed class Renamed(IWeightSource source, params string[] names) : IWeightSource
    {
        private const string Stored = "shared.weight";

        public string Location => source.Location;

        public IReadOnlyDictionary<string, WeightEntry> Entries { get; } =
            names.Select(name => (Name: name, Entry: source.Entries[Stored]))
                .Concat(source.Entries.Where(pair => pair.Key != Stored).Select(pair => (Name: pair.Key, Entry: pair.Value)))
                .ToDictionary(pair => pair.Name, pair => pair.Entry);

        /// <summary>The name under which one number is another.</summary>
        public string? Changed { get; init; }

        public Result<Tensor> Read(string name) => source.Read(names.Contains(name) ? Stored : name).Map(tensor =>
        {
            if (name == Changed) tensor[0, 0].add_(1);
            return tensor;
        });
    }
}
