using System.Text.Json;
using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Tests.Models;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Models.ZImage.Tests;

/// <summary>A copy of the recorded pipeline's folder that a test may change, and what was recorded of it.</summary>
internal sealed class ZImageFolder() : FolderCopy("pipeline-z-image", "my-z-image")
{
    public static JsonElement Options { get; } = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("pipeline-z-image", "z-image.json"))).RootElement;

    public static string[] Prompts => [.. Options.GetProperty("prompts").EnumerateArray().Select(static prompt => prompt.GetString()!)];

    public static int TextTokens => Options.GetProperty("text_tokens").GetInt32();

    /// <summary>The runs that ask for nothing but steps and guidance: limits of the guidance are arguments that no model of LeapAlign takes.</summary>
    public static string[] Cases => [.. Options.GetProperty("cases").EnumerateObject().Where(static run => !run.Value.EnumerateObject().Any(static argument => argument.Name.StartsWith("cfg_", StringComparison.Ordinal))).Select(static run => run.Name)];

    public static ImageSize Size => new(Options.GetProperty("width").GetInt32(), Options.GetProperty("height").GetInt32());

    public ZImageModel Open(ScalarType type = ScalarType.Float32, bool frozen = false, string? folder = null, ZImageSettings? settings = null) => Recording.Require(TryOpen(type, frozen, folder, settings));

    public Result<ZImageModel> TryOpen(ScalarType type = ScalarType.Float32, bool frozen = false, string? folder = null, ZImageSettings? settings = null) =>
        ZImageModel.Load(settings ?? new ZImageSettings { Folder = folder ?? Source }, Context(type, frozen));
}
