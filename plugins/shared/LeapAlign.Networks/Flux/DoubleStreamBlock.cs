using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Flux;

/// <summary>A block in which image and context have weights of their own and meet in one attention (<c>transformer_blocks</c>).</summary>
internal sealed class DoubleStreamBlock : IFluxBlock
{
    private const double Epsilon = 1e-6;
    private const int Parts = 6;
    private readonly LayerNorm _norm;
    private readonly Modulation _imageModulation;
    private readonly Modulation _contextModulation;
    private readonly DoubleStreamAttention _attention;
    private readonly FeedForward _imageFeedForward;
    private readonly FeedForward _contextFeedForward;

    public DoubleStreamBlock(WeightScope scope, FluxConfig config)
    {
        _norm = new LayerNorm(config.Width, Epsilon);
        _imageModulation = new Modulation(scope / "norm1", config.Width, Parts);
        _contextModulation = new Modulation(scope / "norm1_context", config.Width, Parts);
        _attention = new DoubleStreamAttention(scope / "attn", config);
        _imageFeedForward = new FeedForward(scope / "ff", config.Width);
        _contextFeedForward = new FeedForward(scope / "ff_context", config.Width);
    }

    /// <inheritdoc/>
    public (Tensor Image, Tensor Context) Forward(Tensor image, Tensor context, Tensor conditioning, RotaryPositions positions)
    {
        using var scope = NewDisposeScope();
        // Shift, scale and gate of the attention, then of the feed-forward network.
        var imageParts = _imageModulation.Forward(conditioning);
        var contextParts = _contextModulation.Forward(conditioning);
        var (imageUpdate, contextUpdate) = _attention.Forward(
            Modulation.Modulate(_norm.Forward(image), shift: imageParts[0], scale: imageParts[1]),
            Modulation.Modulate(_norm.Forward(context), shift: contextParts[0], scale: contextParts[1]),
            positions);
        var newImage = FeedForward(_imageFeedForward, Modulation.Gate(image, imageParts[2], imageUpdate), imageParts);
        var newContext = FeedForward(_contextFeedForward, Modulation.Gate(context, contextParts[2], contextUpdate), contextParts);
        return (newImage.MoveToOuterDisposeScope(), newContext.MoveToOuterDisposeScope());
    }

    private Tensor FeedForward(FeedForward network, Tensor stream, Tensor[] parts) =>
        Modulation.Gate(stream, parts[5], network.Forward(Modulation.Modulate(_norm.Forward(stream), shift: parts[3], scale: parts[4])));
}

/// <summary>Attention of context and image tokens among all of them, context first (<c>attn</c>).</summary>
internal sealed class DoubleStreamAttention
{
    private readonly AttentionProjections _image;
    private readonly AttentionProjections _context;
    private readonly Linear _imageOutput;
    private readonly Linear _contextOutput;

    public DoubleStreamAttention(WeightScope scope, FluxConfig config)
    {
        var size = (config.Heads, config.HeadWidth);
        _image = new AttentionProjections(scope, size, normalises: true, AttentionProjections.ImageNames);
        _context = new AttentionProjections(scope, size, normalises: true, AttentionProjections.ContextNames);
        _imageOutput = new Linear(scope / "to_out" / 0, config.Width, config.Width, role: SiteRole.Attention);
        _contextOutput = new Linear(scope / "to_add_out", config.Width, config.Width, role: SiteRole.Attention);
    }

    /// <summary>[B, L, width] and [B, T, width] to the same shapes.</summary>
    public (Tensor Image, Tensor Context) Forward(Tensor image, Tensor context, RotaryPositions positions)
    {
        using var scope = NewDisposeScope();
        var queries = positions.Turn(cat([_context.Queries(context), _image.Queries(image)], 2));
        var keys = positions.Turn(cat([_context.Keys(context), _image.Keys(image)], 2));
        var values = cat([_context.Values(context), _image.Values(image)], 2);
        var attended = Attention.Attend(queries, keys, values);
        var length = context.shape[1];
        var contextUpdate = _contextOutput.Forward(Attention.JoinHeads(attended.narrow(2, 0, length)));
        var imageUpdate = _imageOutput.Forward(Attention.JoinHeads(attended.narrow(2, length, image.shape[1])));
        return (imageUpdate.MoveToOuterDisposeScope(), contextUpdate.MoveToOuterDisposeScope());
    }
}
