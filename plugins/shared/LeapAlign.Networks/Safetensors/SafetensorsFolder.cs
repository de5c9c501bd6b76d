using System.Text.Json;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Safetensors;

/// <summary>
/// The weights of one component folder, as diffusers (<c>diffusion_pytorch_model</c>) or transformers (<c>model</c>) write them: one file, or shards with
/// an index; the plain files, or a variant such as <c>.fp16</c> where only that is there.
/// </summary>
public sealed class SafetensorsFolder : IWeightSource
{
    private const string Extension = ".safetensors";
    private const string IndexName = ".safetensors.index";
    private static readonly string[] Stems = ["diffusion_pytorch_model", "model"];
    private readonly Dictionary<string, SafetensorsFile> _files;

    private SafetensorsFolder(string location, Dictionary<string, SafetensorsFile> files)
    {
        Location = location;
        _files = files;
        Entries = files.ToDictionary(static pair => pair.Key, static pair => pair.Value.Entries[pair.Key]);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries { get; }

    /// <summary>Opens the weights of a folder.</summary>
    /// <returns>A fault when there are none (LA4001), one is damaged (LA4005) or a shard is missing (LA4006).</returns>
    public static Result<SafetensorsFolder> Open(string folder)
    {
        if (!Directory.Exists(folder)) return new Fault.Input(FaultCodes.ModelNotFound, "the folder is not there", new SourcePlace(folder));
        foreach (var stem in Stems)
        {
            if (Candidates(folder, $"{stem}{IndexName}*.json") is { } index) return OpenShards(folder, index);
            if (Candidates(folder, $"{stem}*{Extension}") is { } file)
                return SafetensorsFile.Open(file).Map(opened => new SafetensorsFolder(file, opened.Entries.Keys.ToDictionary(static name => name, _ => opened)));
        }
        return new Fault.Input(
            FaultCodes.ModelNotFound, $"the folder has no weights; expected {string.Join(" or ", Stems.Select(static stem => stem + Extension))}, or their .index.json with shards", new SourcePlace(folder));
    }

    /// <inheritdoc/>
    public Result<Tensor> Read(string name) => _files.TryGetValue(name, out var file)
        ? file.Read(name)
        : new Fault.Input(FaultCodes.TensorMismatch, $"there is no tensor '{name}'", new SourcePlace(Location, Key: name));

    // The shortest name is the plain one, without a variant. Shards without an index ("-00001-of-") are not a whole model.
    private static string? Candidates(string folder, string pattern) => Directory.GetFiles(folder, pattern)
        .Where(static path => !Path.GetFileName(path).Contains("-of-", StringComparison.Ordinal))
        .OrderBy(static path => path.Length).ThenBy(static path => path, StringComparer.Ordinal)
        .FirstOrDefault();

    private static Result<SafetensorsFolder> OpenShards(string folder, string index)
    {
        if (!ReadMap(index).TryGet(out var map, out var fault)) return fault;
        Dictionary<string, SafetensorsFile> shards = [];
        Dictionary<string, SafetensorsFile> files = [];
        foreach (var (tensor, shard) in map)
        {
            if (!shards.TryGetValue(shard, out var file))
            {
                var path = Path.Combine(folder, shard);
                if (shard != Path.GetFileName(shard) || !File.Exists(path))
                    return new Fault.Input(FaultCodes.ShardMissing, $"the index names the shard '{shard}', which is not there", new SourcePlace(index, Key: tensor));
                if (!SafetensorsFile.Open(path).TryGet(out file, out fault)) return fault;
                shards.Add(shard, file);
            }
            if (!file.Entries.ContainsKey(tensor)) return new Fault.Input(FaultCodes.DamagedWeights, $"the index says that '{shard}' holds this tensor, but it does not", new SourcePlace(index, Key: tensor));
            files.Add(tensor, file);
        }
        var stray = shards.SelectMany(static shard => shard.Value.Entries.Keys.Select(name => (Name: name, File: shard.Key))).FirstOrDefault(entry => !files.ContainsKey(entry.Name));
        return stray.Name is null
            ? new SafetensorsFolder(index, files)
            : new Fault.Input(FaultCodes.DamagedWeights, $"'{stray.File}' holds this tensor, but the index does not name it", new SourcePlace(index, Key: stray.Name));
    }

    private static Result<Dictionary<string, string>> ReadMap(string index)
    {
        Fault Damaged(string message) => new Fault.Input(FaultCodes.DamagedWeights, message, new SourcePlace(index, Key: "weight_map"));
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(index), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
                return Damaged("the index has no 'weight_map'");
            if (map.EnumerateObject().Any(static entry => entry.Value.ValueKind != JsonValueKind.String)) return Damaged("the index maps a tensor to something that is not a file name");
            return map.EnumerateObject().ToDictionary(static entry => entry.Name, static entry => entry.Value.GetString()!);
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return Damaged($"the index cannot be read: {exception.Message}");
        }
    }
}
