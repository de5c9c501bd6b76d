using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Mmdit;

/// <summary>The final norm (<c>norm_out</c>) and the projection of tokens to what they stand for in the velocity (<c>proj_out</c>).</summary>
internal sealed class OutputProjection
{
    private const double Epsilon = 1e-6;
    private readonly LayerNorm _norm;
    private readonly Modulation _modulation;
    private readonly Linear _projection;

    public OutputProjection(WeightScope scope, long width, long outputs)
    {
        _norm = new LayerNorm(width, Epsilon);
        _modulation = new Modulation(scope / "norm_out", width, 2);
        _projection = new Linear(scope / "proj_out", width, outputs, role: SiteRole.Embedding);
    }

    /// <summary>Tokens [B, L, width] and the conditioning [B, width], SiLU applied, to [B, L, outputs].</summary>
    public Tensor Forward(Tensor tokens, Tensor conditioning)
    {
        using var scope = NewDisposeScope();
        // Final norms have scale before shift, those of the blocks shift before scale.
        var parts = _modulation.Forward(conditioning);
        return _projection.Forward(Modulation.Modulate(_norm.Forward(tokens), shift: parts[1], scale: parts[0])).MoveToOuterDisposeScope();
    }
}
