using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Models.ZImage.Tests;

/// <summary>A copy of the recorded pipeline's folder that a test may change, and what was recorded of it.</summary>
internal sealed class ZImageFolder : IDisposable
{
    public ZImageFolder() => Repository.CopyFolder(Repository.Fixture("pipeline-z-image", "model"), Source);

    public string Folder { get; } = Directory.CreateTempSubdirectory("leapalign-z-image-").FullName;

    public string Source => At("source");

    public static JsonElement Options { get; } = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("pipeline-z-image", "z-image.json"))).RootElement;

    public static string[] Prompts => [.. Options.GetProperty("prompts").EnumerateArray().Select(static prompt => prompt.GetString()!)];

    public static int TextTokens => Options.GetProperty("text_tokens").GetInt32();

    /// <summary>The runs that ask for nothing but steps and guidance: limits of the guidance are arguments that no model of LeapAlign takes.</summary>
    public static string[] Cases => [.. Options.GetProperty("cases").EnumerateObject().Where(static run => !run.Value.EnumerateObject().Any(static argument => argument.Name.StartsWith("cfg_", StringComparison.Ordinal))).Select(static run => run.Name)];

    public static ImageSize Size => new(Options.GetProperty("width").GetInt32(), Options.GetProperty("height").GetInt32());

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public ZImageModel Open(ScalarType type = ScalarType.Float32, bool frozen = false, string? folder = null, ZImageSettings? settings = null) => Recording.Require(TryOpen(type, frozen, folder, settings));

    public Result<ZImageModel> TryOpen(ScalarType type = ScalarType.Float32, bool frozen = false, string? folder = null, ZImageSettings? settings = null) =>
        ZImageModel.Load(settings ?? new ZImageSettings { Folder = folder ?? Source }, new PartContext
        {
            Name = "my-z-image",
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

    public static Fault FaultOf<T>(Result<T> result) => result.Match(static _ => throw new InvalidOperationException("it did not fail"), static fault => fault);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
