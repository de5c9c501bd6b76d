using LeapAlign.Networks.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Vae;

/// <summary>The architecture of a picture autoencoder, as the config.json of diffusers' <c>AutoencoderKL</c> gives it.</summary>
public sealed record VaeConfig
{
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

    /// <summary>Picture pixels per latent pixel along an edge.</summary>
    public int SpatialFactor => 1 << (BlockChannels.Count - 1);

    /// <summary>Reads a config.json.</summary>
    /// <returns>A fault when the file is absent, describes another class or lacks a field, or when a field is not what this class can be built with.</returns>
    public static Result<VaeConfig> Read(string path) => ConfigFields.Read(path, "AutoencoderKL", Read);

    private static VaeConfig Read(ConfigFields fields)
    {
        const string blocks = "block_out_channels";
        var config = new VaeConfig
        {
            InChannels = fields.Size("in_channels", absent: 3),
            OutChannels = fields.Size("out_channels", absent: 3),
            LatentChannels = fields.Size("latent_channels"),
            BlockChannels = fields.Sizes(blocks),
            LayersPerBlock = fields.Size("layers_per_block"),
            NormGroups = fields.Size("norm_num_groups", absent: 32),
            HasMidAttention = fields.Flag("mid_block_add_attention", absent: true),
            HasQuantConvolution = fields.Flag("use_quant_conv", absent: true),
            HasPostQuantConvolution = fields.Flag("use_post_quant_conv", absent: true),
            ScalingFactor = fields.Number("scaling_factor", absent: 0.18215),
            ShiftFactor = fields.Number("shift_factor", absent: 0),
        };
        fields.Word("act_fn", "silu");
        fields.All("down_block_types", "DownEncoderBlock2D");
        fields.All("up_block_types", "UpDecoderBlock2D");
        fields.Absent("latents_mean");
        fields.Absent("latents_std");
        fields.Require(config.ScalingFactor != 0, "scaling_factor", "is 0, but latents are divided by it");
        fields.Require(config.BlockChannels.All(channels => channels % config.NormGroups == 0), blocks, $"has a width that norm_num_groups = {config.NormGroups} does not divide");
        return config;
    }
}
