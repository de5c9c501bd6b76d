using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Vae;

/// <summary>Pictures to latents: the encoder of diffusers' <c>AutoencoderKL</c>, declared as <c>encoder</c> and <c>quant_conv</c> (where it exists).</summary>
public sealed class AutoencoderEncoder
{
    private readonly Conv2d _input;
    private readonly Resolution[] _resolutions;
    private readonly MidBlock _middle;
    private readonly GroupNorm _norm;
    private readonly Conv2d _output;
    private readonly Conv2d? _quant;
    private readonly VaeConfig _config;

    /// <summary>Declares the weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="scope">The scope of the whole autoencoder.</param>
    public AutoencoderEncoder(VaeConfig config, WeightScope scope)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        var encoder = scope / "encoder";
        var channels = config.BlockChannels.ToArray();
        var moments = 2 * config.LatentChannels;
        _input = new Conv2d(encoder / "conv_in", (config.InChannels, channels[0]), kernel: 3, padding: 1);
        _resolutions = [.. channels.Select((width, index) => Down(encoder / "down_blocks" / index, config, channels, index))];
        _middle = new MidBlock(encoder / "mid_block", config);
        _norm = new GroupNorm(encoder / "conv_norm_out", config.NormGroups, channels[^1], ResidualBlock.Epsilon);
        _output = new Conv2d(encoder / "conv_out", (channels[^1], moments), kernel: 3, padding: 1);
        if (config.HasQuantConvolution) _quant = new Conv2d(scope / "quant_conv", (moments, moments), kernel: 1);
    }

    /// <summary>Encodes.</summary>
    /// <param name="image">[B, 3, H, W] in −1..1; H and W are multiples of <see cref="VaeConfig.SpatialFactor"/>.</param>
    /// <returns>[B, 2C, H/f, W/f] in the type of <paramref name="image"/>: means, then logarithms of variances, neither clamped nor scaled.</returns>
    public Tensor Moments(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var scope = NewDisposeScope();
        var hidden = _input.Forward(image.to(_input.ComputeType));
        foreach (var resolution in _resolutions) hidden = resolution.Forward(hidden);
        hidden = _output.Forward(Activation.Silu(_norm.Forward(_middle.Forward(hidden))));
        return (_quant?.Forward(hidden) ?? hidden).to(image.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Encodes into what a diffusion model sees.</summary>
    /// <param name="image">[B, 3, H, W] in −1..1.</param>
    /// <returns>[B, C, H/f, W/f] in the type of <paramref name="image"/>: the means, shifted and scaled so that decoding takes them as they are.</returns>
    public Tensor Latents(Tensor image)
    {
        using var scope = NewDisposeScope();
        using Scalar shift = _config.ShiftFactor, scaling = _config.ScalingFactor;
        return Moments(image).narrow(1, 0, _config.LatentChannels).sub(shift).mul(scaling).MoveToOuterDisposeScope();
    }

    private static Resolution Down(WeightScope scope, VaeConfig config, int[] channels, int index)
    {
        var resample = index < channels.Length - 1 ? Resampling.Down(scope, channels[index]) : null;
        return new Resolution(scope, config.NormGroups, (channels[Math.Max(index - 1, 0)], channels[index]), config.LayersPerBlock, resample);
    }
}
