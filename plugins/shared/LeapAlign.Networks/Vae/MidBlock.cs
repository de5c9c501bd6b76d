using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Vae;

/// <summary>The block at the lowest resolution: residual, attention (where the model has one), residual.</summary>
internal sealed class MidBlock
{
    private readonly ResidualBlock _first;
    private readonly SpatialAttention? _attention;
    private readonly ResidualBlock _second;

    public MidBlock(WeightScope scope, VaeConfig config)
    {
        var channels = config.BlockChannels[^1];
        if (config.HasMidAttention) _attention = new SpatialAttention(scope / "attentions" / 0, config.NormGroups, channels);
        _first = new ResidualBlock(scope / "resnets" / 0, config.NormGroups, channels, channels);
        _second = new ResidualBlock(scope / "resnets" / 1, config.NormGroups, channels, channels);
    }

    /// <summary>Its parts in order, each from [B, C, H, W] to the same shape.</summary>
    public IEnumerable<Func<Tensor, Tensor>> Parts
    {
        get
        {
            yield return _first.Forward;
            if (_attention is not null) yield return _attention.Forward;
            yield return _second.Forward;
        }
    }

    /// <summary>[B, C, H, W] to the same shape.</summary>
    public Tensor Forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = _first.Forward(input);
        return _second.Forward(_attention?.Forward(hidden) ?? hidden).MoveToOuterDisposeScope();
    }
}
