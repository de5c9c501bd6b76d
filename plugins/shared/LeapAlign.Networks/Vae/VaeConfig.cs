using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Formats.FileField;

namespace LeapAlign.Networks.Vae;

/// <summary>The architecture of a picture autoencoder, as the config.json of diffusers' <c>AutoencoderKL</c> gives it.</summary>
public sealed record VaeConfig
{
    private const string ClassName = "AutoencoderKL";
    private const string Blocks = "block_out_channels";

    /// <summary>The fields of its config.json.</summary>
    public static FileFormat Format { get; } = new("vae/config.json", $"diffusers {ClassName}",
    [
        RefusedUnless("_class_name", ClassName),
        Honoured(FileFormat.DefaultsKey, "the keys listed count as absent"),
        RefusedUnless("quantization_config", "null or absent: quantised weights are not read"),
        Honoured("in_channels"),
        Honoured("out_channels"),
        RefusedUnless("down_block_types", "DownEncoderBlock2D for each resolution"),
        RefusedUnless("up_block_types", "UpDecoderBlock2D for each resolution"),
        Honoured(Blocks),
        Honoured("layers_per_block"),
        RefusedUnless("act_fn", "silu, or swish, which is the same"),
        Honoured("latent_channels"),
        Honoured("norm_num_groups"),
        Honoured("scaling_factor"),
        Honoured("shift_factor", "null is 0, and refused in a pipeline: its class cannot add it to latents"),
        RefusedUnless("latents_mean", "null: neither pipeline scales by channel"),
        RefusedUnless("latents_std", "null: neither pipeline scales by channel"),
        NoEffect("sample_size", "the size of tiles, which diffusers does not use unless asked"),
        NoEffect("force_upcast", "neither pipeline reads it; decoderDtype decides"),
        Honoured("use_quant_conv"),
        Honoured("use_post_quant_conv"),
        Honoured("mid_block_add_attention"),
    ])
    { IsOfDiffusers = true };

    /// <summary>The channels of pictures that are encoded.</summary>
    public required int InChannels { get; init; }

    /// <summary>The channels of decoded pictures.</summary>
    public required int OutChannels { get; init; }

    /// <summary>The channels of the latents.</summary>
    public required int LatentChannels { get; init; }

    /// <summary>The channels of each resolution, the picture's own first (<c>block_out_channels</c>).</summary>
    public required IReadOnlyList<int> BlockChannels { get; init; }

    /// <summary>Residual blocks per resolution of the encoder; the decoder has one more.</summary>
    public required int LayersPerBlock { get; init; }

    /// <summary>Groups of every group norm.</summary>
    public required int NormGroups { get; init; }

    /// <summary>Whether the lowest resolution has an attention.</summary>
    public required bool HasMidAttention { get; init; }

    /// <summary>Whether the moments pass a 1 × 1 convolution after the encoder.</summary>
    public required bool HasQuantConvolution { get; init; }

    /// <summary>Whether the latents pass a 1 × 1 convolution before the decoder.</summary>
    public required bool HasPostQuantConvolution { get; init; }

    /// <summary>What the encoder's latents, shifted, are multiplied with for the diffusion model.</summary>
    public required double ScalingFactor { get; init; }

    /// <summary>What is subtracted from the encoder's latents before scaling.</summary>
    public required double ShiftFactor { get; init; }

    /// <summary>Whether the file gives a shift. Pipelines of the library add it to latents without asking, and fail where there is none.</summary>
    public bool HasShift { get; init; } = true;

    /// <summary>Picture pixels per latent pixel along an edge.</summary>
    public int SpatialFactor => 1 << (BlockChannels.Count - 1);

    /// <summary>Reads a config.json.</summary>
    /// <returns>A fault when the file is absent, describes another class or lacks a field, or when a field is not what this class can be built with.</returns>
    public static Result<VaeConfig> Read(string path) => Read(path, null);

    /// <inheritdoc cref="Read(string)"/>
    /// <param name="path">The config.json.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    public static Result<VaeConfig> Read(string path, Action<Fault>? warn) => ConfigFields.Read(path, ClassName, Read, Format, warn);

    private static VaeConfig Read(ConfigFields fields)
    {
        var config = new VaeConfig
        {
            InChannels = fields.Size("in_channels", absent: 3),
            OutChannels = fields.Size("out_channels", absent: 3),
            LatentChannels = fields.Size("latent_channels"),
            BlockChannels = fields.Sizes(Blocks),
            LayersPerBlock = fields.Size("layers_per_block"),
            NormGroups = fields.Size("norm_num_groups", absent: 32),
            HasMidAttention = fields.Flag("mid_block_add_attention", absent: true),
            HasQuantConvolution = fields.Flag("use_quant_conv", absent: true),
            HasPostQuantConvolution = fields.Flag("use_post_quant_conv", absent: true),
            ScalingFactor = fields.Number("scaling_factor", absent: 0.18215),
            HasShift = fields.Has("shift_factor"),
            ShiftFactor = fields.IsNull("shift_factor") ? 0 : fields.Number("shift_factor", absent: 0),
        };
        fields.Word("act_fn", "silu", "swish");
        fields.Require(!fields.IsNull("act_fn"), "act_fn", "is null, but has to be silu or swish");
        fields.All("down_block_types", "DownEncoderBlock2D", config.BlockChannels.Count);
        fields.All("up_block_types", "UpDecoderBlock2D", config.BlockChannels.Count);
        fields.Absent("latents_mean");
        fields.Absent("latents_std");
        fields.Absent("quantization_config");
        fields.Require(config.ScalingFactor != 0, "scaling_factor", "is 0, but latents are divided by it");
        fields.Require(config.BlockChannels.All(channels => channels % config.NormGroups == 0), Blocks, $"has a width that norm_num_groups = {config.NormGroups} does not divide");
        return config;
    }
}
