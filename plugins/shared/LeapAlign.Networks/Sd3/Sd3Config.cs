using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Networks.Sd3;

/// <summary>The architecture of a Stable Diffusion 3 transformer, as the config.json of diffusers' <c>SD3Transformer2DModel</c> gives it.</summary>
public sealed record Sd3Config
{
    private const string ClassName = "SD3Transformer2DModel";
    private const string CaptionWidth = "caption_projection_dim";
    private const int PublishedChannels = 16;

    /// <summary>The fields of its config.json.</summary>
    public static FileFormat Format { get; } = new("transformer/config.json", $"diffusers {ClassName}",
    [
        RefusedUnless("_class_name", ClassName),
        Honoured(FileFormat.DefaultsKey, "the keys listed count as absent"),
        RefusedUnless("quantization_config", "null or absent: quantised weights are not read"),
        Honoured("sample_size", "the native size, and the middle of the position table"),
        Honoured("patch_size"),
        Honoured("in_channels"),
        Honoured("num_layers"),
        Honoured("attention_head_dim"),
        Honoured("num_attention_heads"),
        Honoured("joint_attention_dim", "the width of the text's tokens"),
        RefusedUnless(CaptionWidth, "num_attention_heads × attention_head_dim; diffusers cannot compute with another"),
        Honoured("pooled_projection_dim"),
        Honoured("out_channels", "null is in_channels"),
        Honoured("pos_embed_max_size"),
        Honoured("dual_attention_layers"),
        RefusedUnless("qk_norm", "null or rms_norm"),
    ])
    { IsOfDiffusers = true };

    /// <summary>The number of blocks (<c>num_layers</c>).</summary>
    public required int Layers { get; init; }

    /// <summary>The number of attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of one head.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>The width of the context's tokens (<c>joint_attention_dim</c>).</summary>
    public required int ContextWidth { get; init; }

    /// <summary>The width of the pooled text features (<c>pooled_projection_dim</c>).</summary>
    public required int PooledWidth { get; init; }

    /// <summary>The edge of a patch, in latent pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>The channels of the latents.</summary>
    public required int InChannels { get; init; }

    /// <summary>The channels of the velocity.</summary>
    public required int OutChannels { get; init; }

    /// <summary>The edge of the latents that the model was trained for, in latent pixels.</summary>
    public required int SampleSize { get; init; }

    /// <summary>The edge of the stored position table, in patches (<c>pos_embed_max_size</c>).</summary>
    public required int PositionTableSize { get; init; }

    /// <summary>Whether queries and keys are RMS-normalised per head (SD3.5).</summary>
    public required bool NormalisesQueriesAndKeys { get; init; }

    /// <summary>The blocks with a second attention over image tokens alone (SD3.5-medium).</summary>
    public required IReadOnlyList<int> DualAttentionLayers { get; init; }

    /// <summary>The width of the network: heads × head width.</summary>
    public int Width => Heads * HeadWidth;

    /// <summary>Reads a config.json.</summary>
    /// <returns>A fault when the file is absent, describes another class or lacks a field, or when a field is not what this class can be built with.</returns>
    public static Result<Sd3Config> Read(string path) => Read(path, null);

    /// <inheritdoc cref="Read(string)"/>
    /// <param name="path">The config.json.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    public static Result<Sd3Config> Read(string path, Action<Fault>? warn) => ConfigFields.Read(path, ClassName, Read, Format, warn);

    private static Sd3Config Read(ConfigFields fields)
    {
        var inChannels = fields.Size("in_channels");
        var layers = fields.Size("num_layers");
        var config = new Sd3Config
        {
            Layers = layers,
            Heads = fields.Size("num_attention_heads"),
            HeadWidth = fields.Size("attention_head_dim"),
            ContextWidth = fields.Size("joint_attention_dim"),
            PooledWidth = fields.Size("pooled_projection_dim"),
            PatchSize = fields.Size("patch_size"),
            InChannels = inChannels,
            OutChannels = fields.IsNull("out_channels") ? inChannels : fields.Size("out_channels", absent: PublishedChannels),
            SampleSize = fields.Size("sample_size"),
            PositionTableSize = fields.Size("pos_embed_max_size"),
            NormalisesQueriesAndKeys = fields.Word("qk_norm", "rms_norm") is not null,
            DualAttentionLayers = fields.Indices("dual_attention_layers", layers),
        };
        var captionWidth = fields.Size(CaptionWidth);
        var width = (long)config.Heads * config.HeadWidth;
        fields.Require(captionWidth == width, CaptionWidth, $"is {captionWidth}, but has to be num_attention_heads × attention_head_dim = {width}");
        fields.Absent("quantization_config");
        return config;
    }
}
