using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>One block: joint attention, in dual blocks a second attention over the image, and a feed-forward network for each stream.</summary>
internal sealed class JointBlock
{
    private const double Epsilon = 1e-6;
    private readonly LayerNorm _norm;
    private readonly Modulation _imageModulation;
    private readonly Modulation _contextModulation;
    private readonly JointAttention _attention;
    private readonly SelfAttention? _imageAttention;
    private readonly FeedForward _imageFeedForward;
    private readonly FeedForward? _contextFeedForward;

    public JointBlock(WeightScope scope, Sd3Config config, int index)
    {
        var isDual = config.DualAttentionLayers.Contains(index);
        var isLast = index == config.Layers - 1;
        _norm = new LayerNorm(config.Width, Epsilon);
        _imageModulation = new Modulation(scope / "norm1", config.Width, isDual ? 9 : 6);
        _contextModulation = new Modulation(scope / "norm1_context", config.Width, isLast ? 2 : 6);
        _attention = new JointAttention(scope / "attn", config, isLast);
        if (isDual) _imageAttention = new SelfAttention(scope / "attn2", config);
        _imageFeedForward = new FeedForward(scope / "ff", config.Width);
        if (!isLast) _contextFeedForward = new FeedForward(scope / "ff_context", config.Width);
    }

    /// <summary>Runs the block.</summary>
    /// <param name="image">[B, L, width].</param>
    /// <param name="context">[B, T, width].</param>
    /// <param name="conditioning">[B, width], SiLU applied.</param>
    /// <returns>Both streams; after the last block there is the image alone.</returns>
    public Tensor[] Forward(Tensor image, Tensor context, Tensor conditioning)
    {
        using var scope = NewDisposeScope();
        var parts = _imageModulation.Forward(conditioning);
        var contextParts = _contextModulation.Forward(conditioning);
        var normalised = _norm.Forward(image);
        var (imageUpdate, contextUpdate) = _attention.Forward(
            Modulation.Modulate(normalised, shift: parts[0], scale: parts[1]), ModulateContext(_norm.Forward(context), contextParts));
        var newImage = Modulation.Gate(image, parts[2], imageUpdate);
        if (_imageAttention is not null)
            newImage = Modulation.Gate(newImage, parts[8], _imageAttention.Forward(Modulation.Modulate(normalised, shift: parts[6], scale: parts[7])));
        newImage = FeedForward(_imageFeedForward, newImage, parts).MoveToOuterDisposeScope();
        if (_contextFeedForward is null || contextUpdate is null) return [newImage];
        var newContext = FeedForward(_contextFeedForward, Modulation.Gate(context, contextParts[2], contextUpdate), contextParts);
        return [newImage, newContext.MoveToOuterDisposeScope()];
    }

    /// <summary>The last block's context modulation has scale before shift, as final norms have; the others shift before scale.</summary>
    private Tensor ModulateContext(Tensor normalised, Tensor[] parts) => _contextFeedForward is null
        ? Modulation.Modulate(normalised, shift: parts[1], scale: parts[0])
        : Modulation.Modulate(normalised, shift: parts[0], scale: parts[1]);

    private Tensor FeedForward(FeedForward network, Tensor stream, Tensor[] parts) =>
        Modulation.Gate(stream, parts[5], network.Forward(Modulation.Modulate(_norm.Forward(stream), shift: parts[3], scale: parts[4])));
}
