using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipelines;

namespace LeapAlign.Models.ZImage;

/// <summary>Offers the model <c>z-image</c>.</summary>
public sealed class ZImagePlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<ZImageModel, ZImageSettings>("z-image", SettingsJson.Default.ZImageSettings, ZImageModel.Load)
            .Providing<ZImageSettings>(static settings => settings.FlowMap ? [Capabilities.FlowMap] : [])];
}

/// <summary>Settings of <c>z-image</c>.</summary>
public sealed record ZImageSettings : PipelineSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a ZImagePipeline folder as diffusers writes it, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Folder { get; init; }

    /// <summary>Tokens of a caption; null for those that the model was published with.</summary>
    [Description("Tokens of a caption at most, those of the message that it is put into included. Without it 512, as published, or as many as the network has places for. Longer captions are cut.")]
    [Range(16, 65_536)]
    public int? TextLength { get; init; }

    /// <summary>The precision of the text encoder.</summary>
    [Description("The precision of the text encoder. file takes that of its files where it is bfloat16, and float32 elsewhere; run takes that of the run. Its weights stay on the disk, and are converted at each use where the files have another precision.")]
    [AllowedValues("file", "float32", "run")]
    public string TextDtype { get; init; } = "file";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ZImageSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
