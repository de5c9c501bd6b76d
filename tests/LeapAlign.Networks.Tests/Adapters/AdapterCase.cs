using System.Text.Json;
using LeapAlign.Adapters.Files;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>A recorded adapter and the model folder that it belongs to.</summary>
internal sealed class AdapterCase
{
    private readonly string _folder;

    public AdapterCase(string name)
    {
        _folder = Repository.Fixture(name);
        using var adapter = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, "adapter.json")));
        var root = adapter.RootElement;
        Base = root.GetProperty("base").GetString()!;
        FileName = root.TryGetProperty("file", out var file) ? file.GetString()! : LoraFile.FileName;
        Scales = root.TryGetProperty("scales", out var scales) ? scales.EnumerateObject().ToDictionary(static entry => entry.Name, static entry => entry.Value.GetDouble()) : [];
        BlockDiagonal = root.TryGetProperty("block_diagonal", out var blocks) ? [.. blocks.EnumerateArray().Select(static entry => entry.GetString()!)] : [];
        Alpha = root.TryGetProperty("lora_alpha", out var alpha) ? alpha.GetDouble() : null;
        Expected = new Recording(name, "expected.safetensors");
    }

    public string Base { get; }

    public string FileName { get; }

    public string FilePath => Path.Combine(_folder, FileName);

    public double? Alpha { get; }

    public IReadOnlyDictionary<string, double> Scales { get; }

    public IReadOnlyList<string> BlockDiagonal { get; }

    public Recording Expected { get; }

    public IReadOnlyList<AdapterSite> Sites => SitesOf(Base);

    /// <summary>The linear layers of a recorded model, from the shapes of its weights.</summary>
    public static IReadOnlyList<AdapterSite> SitesOf(string model)
    {
        using var file = Recording.Require(SafetensorsFile.Open(Repository.Fixture(model, "diffusion_pytorch_model.safetensors")));
        const string weight = ".weight";
        return [.. file.Entries.Where(static entry => entry.Value.Shape.Count == 2 && entry.Key.EndsWith(weight, StringComparison.Ordinal))
            .Select(static entry => new AdapterSite(entry.Key[..^weight.Length], entry.Value.Shape[1], entry.Value.Shape[0], SiteRole.Attention))];
    }

    /// <summary>The recorded updates by layer, from factors at scale 1.</summary>
    public Dictionary<string, Tensor> Updates() => Expected.Under("transformer.").Where(static key => key.EndsWith(".lora_A.weight", StringComparison.Ordinal))
        .Select(static key => key[..^".lora_A.weight".Length])
        .ToDictionary(static module => module, module => Expected[$"transformer.{module}.lora_B.weight"].to(float64).matmul(Expected[$"transformer.{module}.lora_A.weight"].to(float64)));
}
