using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Models.Flux.Tests;

/// <summary>A copy of the recorded pipeline's folder that a test may change, and what was recorded of it.</summary>
internal sealed class FluxFolder : IDisposable
{
    public FluxFolder() => Repository.CopyFolder(Repository.Fixture("pipeline-flux", "model"), Source);

    public string Folder { get; } = Directory.CreateTempSubdirectory("leapalign-flux-").FullName;

    public string Source => At("source");

    public static JsonElement Options { get; } = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("pipeline-flux", "flux.json"))).RootElement;

    public static string[] Prompts => [.. Options.GetProperty("prompts").EnumerateArray().Select(static prompt => prompt.GetString()!)];

    public static double Guidance => Options.GetProperty("guidance").GetDouble();

    public static ImageSize Size => new(Options.GetProperty("width").GetInt32(), Options.GetProperty("height").GetInt32());

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public FluxModel Open(ScalarType type = ScalarType.Float32, bool frozen = false, string? folder = null, FluxSettings? settings = null) => Recording.Require(TryOpen(type, frozen, folder, settings));

    public Result<FluxModel> TryOpen(ScalarType type = ScalarType.Float32, bool frozen = false, string? folder = null, FluxSettings? settings = null) =>
        FluxModel.Load(settings ?? new FluxSettings { Folder = folder ?? Source }, new PartContext
        {
            Name = "my-flux",
            BaseFolder = Repository.Root,
            Device = CPU,
            ComputeType = type,
            IsFrozen = frozen,
            Logger = NullLogger.Instance,
            Warn = Warnings.Add,
        });

    public List<Fault> Warnings { get; } = [];

    /// <summary>Sets a key of a JSON file of the folder.</summary>
    public void Set(string file, string key, JsonNode? value)
    {
        var path = Path.Combine(Source, file);
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = value;
        File.WriteAllText(path, json.ToJsonString());
    }

    /// <summary>Makes the transformer one that takes no guidance, as FLUX.1-schnell's.</summary>
    public void TakeGuidanceAway()
    {
        Set("transformer/config.json", "guidance_embeds", false);
        var path = Path.Combine(Source, "transformer", "diffusion_pytorch_model.safetensors");
        using var scope = NewDisposeScope();
        TensorToWrite[] kept;
        using (var file = Recording.Require(SafetensorsFile.Open(path)))
            kept = [.. file.Entries.Keys.Where(static name => !name.Contains("guidance_embedder", StringComparison.Ordinal)).Select(name => new TensorToWrite(name, Recording.Require(file.Read(name)), file.Entries[name].Type))];
        Recording.Require(SafetensorsWriter.Write(path, kept));
    }

    public static Fault FaultOf<T>(Result<T> result) => result.Match(static _ => throw new InvalidOperationException("it did not fail"), static fault => fault);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
