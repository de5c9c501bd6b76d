using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipelines;

namespace LeapAlign.Models.Flux;

/// <summary>Offers the model <c>flux</c>.</summary>
public sealed class FluxPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<FluxModel, FluxSettings>("flux", SettingsJson.Default.FluxSettings, FluxModel.Load)
            .Providing<FluxSettings>(static settings => settings.FlowMap ? [Capabilities.FlowMap] : [])];
}

/// <summary>Settings of <c>flux</c>.</summary>
public sealed record FluxSettings : PipelineSettings
{
    /// <summary>The model folder.</summary>
    [Description("The model: a FluxPipeline folder as diffusers writes it, relative to plugins.json.")]
    [JsonRequired]
    [PathSetting(PathKind.Folder)]
    public required string Folder { get; init; }

    /// <summary>Tokens of the T5 encoder; null for those that the model was published with.</summary>
    [Description("Tokens of the T5 encoder; fewer when its tokenizer says so. Without it 512, and 256 for a model that takes no guidance (FLUX.1-schnell), as they were published. Longer captions are cut.")]
    [Range(2, 512)]
    public int? TextLength { get; init; }

    /// <summary>The precision of the text encoders.</summary>
    [Description("The precision of the two text encoders. file takes that of each encoder's files where it is bfloat16, and float32 elsewhere; run takes that of the run. Their weights stay on the disk, and are converted at each use where the files have another precision.")]
    [AllowedValues("file", "float32", "run")]
    public string TextDtype { get; init; } = "file";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FluxSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
