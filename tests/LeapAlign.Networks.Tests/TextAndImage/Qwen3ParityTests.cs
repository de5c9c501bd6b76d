using LeapAlign.Networks.Qwen3;
using LeapAlign.Networks.Weights;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>Qwen3 as a text encoder against transformers.</summary>
public sealed class Qwen3ParityTests : IDisposable
{
    private const string Fixture = "qwen3-text";
    private readonly Recording _recorded = new(Fixture, "io.safetensors");
    private readonly WeightSet _weights = new();
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly Qwen3Config _config = Recording.Require(Qwen3Config.Read(Repository.Fixture(Fixture, "config.json")));

    [Fact]
    public void Every_hidden_state_is_the_recorded_one()
    {
        using var _ = no_grad();
        var network = Load(Repository.Fixture(Fixture, "model.safetensors"));
        int[] all = [.. Enumerable.Range(0, _config.Layers + 1)];
        var states = network.States(_recorded["in.ids"], Lengths, all);
        Assert.Equal(all.Length, _recorded.Under("out.hidden.").Count());
        foreach (var layer in all) Agreement.Values(states[layer], _recorded[$"out.hidden.{layer}"], $"after {layer} layers");
        Agreement.Values(network.States(_recorded["in.ids"], Lengths, 1)[0], _recorded["out.hidden.1"], "one alone");
    }

    [Fact]
    public void Padding_changes_nothing_of_a_text()
    {
        using var _ = no_grad();
        var network = Load(Repository.Fixture(Fixture, "model.safetensors"));
        for (var sample = 0; sample < Lengths.Count; sample++)
        {
            var own = _recorded["in.ids"].narrow(0, sample, 1).narrow(1, 0, Lengths[sample]);
            Agreement.Values(network.States(own, [Lengths[sample]], _config.Layers)[0], _recorded[$"out.hidden.{_config.Layers}"].narrow(0, sample, 1).narrow(1, 0, Lengths[sample]), $"text {sample}");
        }
    }

    [Fact]
    public void A_file_of_a_whole_language_model_is_read_without_its_head()
    {
        using var _ = no_grad();
        var path = Path.GetTempFileName();
        using (var file = Recording.Require(SafetensorsFile.Open(Repository.Fixture(Fixture, "model.safetensors"))))
        {
            TensorToWrite[] tensors =
            [
                new("lm_head.weight", ones(_config.Vocabulary, _config.Width), float32),
                .. file.Entries.Keys.Select(name => new TensorToWrite(name.StartsWith("model.", StringComparison.Ordinal) ? name : $"model.{name}", Recording.Require(file.Read(name)), float32)),
            ];
            Recording.Require(SafetensorsWriter.Write(path, tensors));
        }
        var states = Load(path).States(_recorded["in.ids"], Lengths, _config.Layers);
        Agreement.Values(states[0], _recorded[$"out.hidden.{_config.Layers}"], "states");
        File.Delete(path);
    }

    [Fact]
    public void Biases_of_the_attention_are_there_where_the_configuration_has_them()
    {
        using var _ = no_grad();
        using var weights = new WeightSet();
        var network = new Qwen3Encoder(_config with { HasAttentionBias = true }, weights.Root);
        var biases = weights.All.Where(static weight => weight.Name.EndsWith(".bias", StringComparison.Ordinal)).ToArray();
        Assert.Equal(4 * _config.Layers, biases.Length);
        Assert.All(biases, static weight => Assert.Contains(".self_attn.", weight.Name, StringComparison.Ordinal));
        var plain = Load(Repository.Fixture(Fixture, "model.safetensors"));
        weights.Allocate(CPU, float32);
        foreach (var weight in weights.All) weight.Master.copy_(biases.Contains(weight) ? zeros([.. weight.Shape]) : _weights.All.Single(other => other.Name == weight.Name).Master);
        weights.Refresh();
        Agreement.Values(network.States(_recorded["in.ids"], Lengths, _config.Layers)[0], plain.States(_recorded["in.ids"], Lengths, _config.Layers)[0], "biases of 0");
        foreach (var weight in biases) weight.Master.fill_(0.1);
        weights.Refresh();
        Assert.False(network.States(_recorded["in.ids"], Lengths, 1)[0].equal(plain.States(_recorded["in.ids"], Lengths, 1)[0]).all().item<bool>());
    }

    public void Dispose()
    {
        _scope.Dispose();
        _weights.Dispose();
    }

    private IReadOnlyList<int> Lengths => [.. _recorded["in.mask"].sum(1).data<long>().Select(static length => (int)length)];

    private Qwen3Encoder Load(string path)
    {
        var network = new Qwen3Encoder(_config, _weights.Root);
        using var file = Recording.Require(SafetensorsFile.Open(path));
        Recording.Require(_weights.Load(file, CPU, float32, Qwen3Encoder.DeclaredName));
        return network;
    }
}
