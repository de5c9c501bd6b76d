using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Vae;

/// <summary>Latents to pictures: the decoder of diffusers' <c>AutoencoderKL</c>, declared as <c>post_quant_conv</c> (where it exists) and <c>decoder</c>.</summary>
public sealed class AutoencoderDecoder
{
    private readonly Scalar _scaling;
    private readonly Scalar _shift;
    private readonly Conv2d? _postQuant;
    private readonly Conv2d _input;
    private readonly Func<Tensor, Tensor>[] _parts;
    private readonly GroupNorm _norm;
    private readonly Conv2d _output;

    /// <summary>Declares the weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="scope">The scope of the whole autoencoder.</param>
    /// <param name="recomputes">Whether its parts are computed again in the backward instead of keeping their graphs.</param>
    public AutoencoderDecoder(VaeConfig config, WeightScope scope, bool recomputes = false)
    {
        ArgumentNullException.ThrowIfNull(config);
        _scaling = config.ScalingFactor;
        _shift = config.ShiftFactor;
        if (config.HasPostQuantConvolution)
            _postQuant = new Conv2d(scope / "post_quant_conv", (config.LatentChannels, config.LatentChannels), kernel: 1);
        var decoder = scope / "decoder";
        var channels = config.BlockChannels.Reverse().ToArray();
        _input = new Conv2d(decoder / "conv_in", (config.LatentChannels, channels[0]), kernel: 3, padding: 1);
        var middle = new MidBlock(decoder / "mid_block", config);
        Resolution[] resolutions = [.. channels.Select((width, index) => Up(decoder / "up_blocks" / index, config, channels, index))];
        _norm = new GroupNorm(decoder / "conv_norm_out", config.NormGroups, channels[^1], ResidualBlock.Epsilon);
        _output = new Conv2d(decoder / "conv_out", (channels[^1], config.OutChannels), kernel: 3, padding: 1);
        IEnumerable<Func<Tensor, Tensor>> parts = [.. middle.Parts, .. resolutions.SelectMany(static resolution => resolution.Parts), Picture];
        _parts = [.. recomputes ? parts.Select(part => Recomputed(part, decoder)) : parts];
    }

    /// <summary>Decodes.</summary>
    /// <param name="latents">[B, C, h, w] as the diffusion model sees them; they are divided by the scaling factor and shifted first.</param>
    /// <returns>
    /// [B, 3, H, W] in the type of <paramref name="latents"/>: about −1..1, neither clamped nor mapped to 0..1. Differentiable with respect to the latents.
    /// </returns>
    public Tensor Decode(Tensor latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        using var scope = NewDisposeScope();
        var hidden = latents.div(_scaling).add(_shift).to(_input.ComputeType);
        if (_postQuant is not null) hidden = _postQuant.Forward(hidden);
        hidden = _input.Forward(hidden);
        foreach (var part in _parts)
        {
            var next = part(hidden);
            hidden.Dispose();
            hidden = next;
        }
        return hidden.to(latents.dtype).MoveToOuterDisposeScope();
    }

    private static Func<Tensor, Tensor> Recomputed(Func<Tensor, Tensor> part, WeightScope decoder)
    {
        // Its weights are frozen wherever the product uses it; trained ones would be arguments of every part, most without a gradient there.
        var recomputation = new Recomputation(decoder.Weights, [], inputs => [part(inputs[0])]);
        return hidden => recomputation.Forward(hidden)[0];
    }

    private Tensor Picture(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return _output.Forward(Activation.Silu(_norm.Forward(hidden))).MoveToOuterDisposeScope();
    }

    private static Resolution Up(WeightScope scope, VaeConfig config, int[] channels, int index)
    {
        var resample = index < channels.Length - 1 ? Resampling.Up(scope, channels[index]) : null;
        return new Resolution(scope, config.NormGroups, (channels[Math.Max(index - 1, 0)], channels[index]), config.LayersPerBlock + 1, resample);
    }
}
