using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Networks.Flux;

/// <summary>The architecture of a FLUX.1 transformer, as the config.json of diffusers' <c>FluxTransformer2DModel</c> gives it; absent fields have diffusers' defaults.</summary>
public sealed record FluxConfig
{
    /// <summary>The numbers of a token's place: a picture's, its row and its column.</summary>
    public const int Axes = 3;

    private const string ClassName = "FluxTransformer2DModel";
    private const string RotaryKey = "axes_dims_rope";
    private const string PatchKey = "patch_size";
    private static readonly int[] s_publishedRotaryWidths = [16, 56, 56];

    /// <summary>The fields of its config.json.</summary>
    public static FileFormat Format { get; } = new("transformer/config.json", $"diffusers {ClassName}",
    [
        RefusedUnless("_class_name", ClassName),
        Honoured(FileFormat.DefaultsKey, "the keys listed count as absent"),
        RefusedUnless("quantization_config", "null or absent: quantised weights are not read"),
        RefusedUnless(PatchKey, "1: latents are cut into tokens before the network"),
        Honoured("in_channels", "the width of the image's tokens"),
        Honoured("out_channels", "the width of the velocity's tokens; null is in_channels"),
        Honoured("num_layers", "blocks with a stream each for image and text, at least one"),
        Honoured("num_single_layers", "blocks with one stream for both, at least one"),
        Honoured("attention_head_dim"),
        Honoured("num_attention_heads"),
        Honoured("joint_attention_dim", "the width of the text's tokens"),
        Honoured("pooled_projection_dim"),
        Honoured("guidance_embeds", "whether the guidance scale is an input"),
        Honoured(RotaryKey, "the parts of a head that turn with each number of a token's place: three even numbers that add up to attention_head_dim"),
    ])
    { IsOfDiffusers = true };

    /// <summary>The number of blocks with a stream each for image and context (<c>num_layers</c>).</summary>
    public required int DoubleLayers { get; init; }

    /// <summary>The number of blocks with one stream for both (<c>num_single_layers</c>).</summary>
    public required int SingleLayers { get; init; }

    /// <summary>The number of attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of one head.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>The width of the context's tokens (<c>joint_attention_dim</c>).</summary>
    public required int ContextWidth { get; init; }

    /// <summary>The width of the pooled text features (<c>pooled_projection_dim</c>).</summary>
    public required int PooledWidth { get; init; }

    /// <summary>The width of the image's tokens: latent channels × 2 × 2.</summary>
    public required int InChannels { get; init; }

    /// <summary>The width of the velocity's tokens.</summary>
    public required int OutChannels { get; init; }

    /// <summary>Whether the guidance scale is an input of the network (FLUX.1-dev) or not (FLUX.1-schnell).</summary>
    public required bool EmbedsGuidance { get; init; }

    /// <summary>How much of a head's width turns with each of the <see cref="Axes"/> numbers of a token's place (<c>axes_dims_rope</c>).</summary>
    public required IReadOnlyList<int> RotaryWidths { get; init; }

    /// <summary>The width of the network: heads × head width.</summary>
    public long Width => (long)Heads * HeadWidth;

    /// <summary>Reads a config.json.</summary>
    /// <returns>A fault when the file is absent or describes another class, or when a field is not what this class can be built with.</returns>
    public static Result<FluxConfig> Read(string path) => Read(path, null);

    /// <inheritdoc cref="Read(string)"/>
    /// <param name="path">The config.json.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    public static Result<FluxConfig> Read(string path, Action<Fault>? warn) => ConfigFields.Read(path, ClassName, Read, Format, warn);

    private static FluxConfig Read(ConfigFields fields)
    {
        var patch = fields.Size(PatchKey, absent: 1);
        fields.Require(patch == 1, PatchKey, $"is {patch}, but has to be 1");
        fields.Absent("quantization_config");
        var inChannels = fields.Size("in_channels", absent: 64);
        var config = new FluxConfig
        {
            DoubleLayers = fields.Size("num_layers", absent: 19),
            SingleLayers = fields.Size("num_single_layers", absent: 38),
            Heads = fields.Size("num_attention_heads", absent: 24),
            HeadWidth = fields.Size("attention_head_dim", absent: 128),
            ContextWidth = fields.Size("joint_attention_dim", absent: 4096),
            PooledWidth = fields.Size("pooled_projection_dim", absent: 768),
            InChannels = inChannels,
            OutChannels = fields.IsNull("out_channels") ? inChannels : fields.Size("out_channels", absent: inChannels),
            EmbedsGuidance = fields.Flag("guidance_embeds", absent: false),
            RotaryWidths = fields.Sizes(RotaryKey, absent: s_publishedRotaryWidths),
        };
        var widths = config.RotaryWidths;
        var fits = widths.Count == Axes && widths.All(static width => width % 2 == 0) && widths.Sum(static width => (long)width) == config.HeadWidth;
        fields.Require(fits, RotaryKey, $"is [{string.Join(", ", widths)}], but has to be {Axes} even numbers that add up to attention_head_dim = {config.HeadWidth}");
        return config;
    }
}
