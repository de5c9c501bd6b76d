using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Flux;

/// <summary>
/// A block with the same weights for context and image, whose attention and feed-forward network stand side by side and share an output projection
/// (<c>single_transformer_blocks</c>).
/// </summary>
internal sealed class SingleStreamBlock : IFluxBlock
{
    private const double Epsilon = 1e-6;
    private readonly LayerNorm _norm;
    private readonly Modulation _modulation;
    private readonly AttentionProjections _attention;
    private readonly Linear _expand;
    private readonly Linear _output;

    public SingleStreamBlock(WeightScope scope, FluxConfig config)
    {
        var width = config.Width;
        _norm = new LayerNorm(width, Epsilon);
        _modulation = new Modulation(scope / "norm", width, 3);
        _attention = new AttentionProjections(scope / "attn", (config.Heads, config.HeadWidth), normalises: true, AttentionProjections.ImageNames);
        _expand = new Linear(scope / "proj_mlp", width, 4 * width, role: SiteRole.FeedForward);
        _output = new Linear(scope / "proj_out", 5 * width, width, role: SiteRole.FeedForward);
    }

    /// <inheritdoc/>
    public (Tensor Image, Tensor Context) Forward(Tensor image, Tensor context, Tensor conditioning, RotaryPositions positions)
    {
        using var scope = NewDisposeScope();
        var stream = cat([context, image], 1);
        var parts = _modulation.Forward(conditioning);
        var input = Modulation.Modulate(_norm.Forward(stream), shift: parts[0], scale: parts[1]);
        var attended = Attention.Attend(positions.Turn(_attention.Queries(input)), positions.Turn(_attention.Keys(input)), _attention.Values(input));
        var update = _output.Forward(cat([Attention.JoinHeads(attended), Activation.GeluTanh(_expand.Forward(input))], 2));
        var updated = Modulation.Gate(stream, parts[2], update);
        var length = context.shape[1];
        return (updated.narrow(1, length, image.shape[1]).MoveToOuterDisposeScope(), updated.narrow(1, 0, length).MoveToOuterDisposeScope());
    }
}
