using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>The projection of tokens to patches, and their placement in the picture.</summary>
internal sealed class VelocityHead
{
    private readonly OutputProjection _projection;
    private readonly long _patch;
    private readonly long _channels;

    public VelocityHead(WeightScope scope, Sd3Config config)
    {
        _patch = config.PatchSize;
        _channels = config.OutChannels;
        _projection = new OutputProjection(scope, config.Width, _patch * _patch * _channels);
    }

    /// <summary>Tokens [B, rows · columns, width] to [B, C, rows · p, columns · p].</summary>
    public Tensor Forward(Tensor tokens, Tensor conditioning, long rows)
    {
        using var scope = NewDisposeScope();
        var patches = _projection.Forward(tokens, conditioning);
        var (batch, columns) = (tokens.shape[0], tokens.shape[1] / rows);
        // Within a patch the channel runs fastest.
        return patches.view(batch, rows, columns, _patch, _patch, _channels).permute(0, 5, 1, 3, 2, 4)
            .reshape(batch, _channels, rows * _patch, columns * _patch).MoveToOuterDisposeScope();
    }
}
