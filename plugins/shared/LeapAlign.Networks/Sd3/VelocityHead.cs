using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>The final norm (<c>norm_out</c>), the projection of tokens to patches (<c>proj_out</c>), and their placement in the picture.</summary>
internal sealed class VelocityHead
{
    private const double Epsilon = 1e-6;
    private readonly LayerNorm _norm;
    private readonly Modulation _modulation;
    private readonly Linear _projection;
    private readonly long _patch;
    private readonly long _channels;

    public VelocityHead(WeightScope scope, Sd3Config config)
    {
        _patch = config.PatchSize;
        _channels = config.OutChannels;
        _norm = new LayerNorm(config.Width, Epsilon);
        _modulation = new Modulation(scope / "norm_out", config.Width, 2);
        _projection = new Linear(scope / "proj_out", config.Width, _patch * _patch * _channels, role: SiteRole.Embedding);
    }

    /// <summary>Tokens [B, rows · columns, width] to [B, C, rows · p, columns · p].</summary>
    public Tensor Forward(Tensor tokens, Tensor conditioning, long rows)
    {
        using var scope = NewDisposeScope();
        var parts = _modulation.Forward(conditioning);
        var patches = _projection.Forward(Modulation.Modulate(_norm.Forward(tokens), shift: parts[1], scale: parts[0]));
        var (batch, columns) = (tokens.shape[0], tokens.shape[1] / rows);
        // Within a patch the channel runs fastest.
        return patches.view(batch, rows, columns, _patch, _patch, _channels).permute(0, 5, 1, 3, 2, 4)
            .reshape(batch, _channels, rows * _patch, columns * _patch).MoveToOuterDisposeScope();
    }
}
