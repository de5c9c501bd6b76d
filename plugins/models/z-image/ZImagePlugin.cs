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
public sealed record ZImageSettings
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

    /// <summary>The precision of the decoder.</summary>
    [Description("The precision of the picture decoder. run takes that of the run; on a CPU that halves the decoder's time.")]
    [AllowedValues("float32", "run")]
    public string DecoderDtype { get; init; } = "run";

    /// <summary>How the linear layers of the transformer's blocks are stored.</summary>
    [Description("How the attention and feed-forward layers of the transformer's blocks are stored where an adapter trains beside them: none as in the folder, int8 in one byte a weight (an error of 0.9 %), nf4 in 0.53 bytes (an error of 9 %, and slower). They are quantised once and kept on the disk.")]
    [AllowedValues("none", "int8", "nf4")]
    public string Quantization { get; init; } = "none";

    /// <summary>Where quantised weights are kept.</summary>
    [Description("The folder that quantised weights are kept in, relative to plugins.json; without it leapalign/quantized in the user's cache folder. Whatever is in it can be deleted and is made again.")]
    public string? QuantizationCache { get; init; }

    /// <summary>Where the networks compute and their weights lie.</summary>
    [Description("Where the networks compute and where their weights lie, for devices whose memory is smaller than the model. On the CPU weights that are not trained lie in their files in any case.")]
    public ModelPlacement Placement { get; init; } = new();

    /// <summary>Whether the network takes a second time.</summary>
    [Description("Whether the model is a flow map: its network takes the gap to a second time, and predicts the mean velocity of a jump. A folder of a velocity model begins with a gap that changes nothing; that of a flow map has its own in flow_map.safetensors. It is trained, also beside an adapter.")]
    public bool FlowMap { get; init; }

    /// <summary>The gap embedding to go on from.</summary>
    [Description("The file of a gap embedding to go on from, relative to plugins.json, where it does not lie in the model folder: flow_map.safetensors beside an adapter's file. For a flow map alone.")]
    [PathSetting(PathKind.File)]
    public string? FlowMapFrom { get; init; }

    /// <summary>Memory for embeddings.</summary>
    [Description("Megabytes for embeddings of recent batches of captions, for the next time the same batch comes, as in every evaluation; 0 keeps none.")]
    [Range(0, 1_000_000)]
    public int EmbeddingCache { get; init; } = 256;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ZImageSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
