using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Pipelines;

/// <summary>The settings that the models of all families have. The folder, and how captions are read, are each family's own.</summary>
public abstract record PipelineSettings
{
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
