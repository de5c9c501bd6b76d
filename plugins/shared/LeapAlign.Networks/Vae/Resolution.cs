using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Vae;

/// <summary>The residual blocks of one resolution, then the change to the next, where there is one.</summary>
internal sealed class Resolution
{
    private readonly ResidualBlock[] _blocks;
    private readonly Func<Tensor, Tensor>? _resample;

    /// <param name="scope">The scope of the down or up block.</param>
    /// <param name="groups">Groups of the norms.</param>
    /// <param name="channels">The channels that come in and go out.</param>
    /// <param name="count">The number of residual blocks.</param>
    /// <param name="resample">What leads to the next resolution; null at the last.</param>
    public Resolution(WeightScope scope, int groups, (int In, int Out) channels, int count, Func<Tensor, Tensor>? resample)
    {
        _blocks = [.. Enumerable.Range(0, count).Select(
            index => new ResidualBlock(scope / "resnets" / index, groups, index == 0 ? channels.In : channels.Out, channels.Out))];
        _resample = resample;
    }

    /// <summary>Its parts in order, the first from [B, in, H, W], the last to [B, out, H', W'].</summary>
    public IEnumerable<Func<Tensor, Tensor>> Parts
    {
        get
        {
            foreach (var block in _blocks) yield return block.Forward;
            if (_resample is not null) yield return _resample;
        }
    }

    /// <summary>[B, in, H, W] to [B, out, H', W'].</summary>
    public Tensor Forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = input;
        foreach (var part in Parts) hidden = part(hidden);
        return hidden.MoveToOuterDisposeScope();
    }
}
