using System.Text.Json;
using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Tests.Models;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.Flux.Tests;

/// <summary>A copy of the recorded pipeline's folder that a test may change, and what was recorded of it.</summary>
internal sealed class FluxFolder() : FolderCopy("pipeline-flux", "my-flux")
{
    public static JsonElement Options { get; } = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("pipeline-flux", "flux.json"))).RootElement;

    public static string[] Prompts => [.. Options.GetProperty("prompts").EnumerateArray().Select(static prompt => prompt.GetString()!)];

    public static double Guidance => Options.GetProperty("guidance").GetDouble();

    public static ImageSize Size => new(Options.GetProperty("width").GetInt32(), Options.GetProperty("height").GetInt32());

    public FluxModel Open(ScalarType type = ScalarType.Float32, bool frozen = false, string? folder = null, FluxSettings? settings = null) => Recording.Require(TryOpen(type, frozen, folder, settings));

    public Result<FluxModel> TryOpen(ScalarType type = ScalarType.Float32, bool frozen = false, string? folder = null, FluxSettings? settings = null) =>
        FluxModel.Load(settings ?? new FluxSettings { Folder = folder ?? Source }, Context(type, frozen));

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
}
