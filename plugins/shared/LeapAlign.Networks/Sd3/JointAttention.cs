using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>Attention of image and context tokens among all of them, image first (<c>attn</c>).</summary>
internal sealed class JointAttention
{
    private readonly AttentionProjections _image;
    private readonly AttentionProjections _context;
    private readonly Linear _imageOutput;
    private readonly Linear? _contextOutput;

    /// <param name="scope">The scope <c>attn</c>.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="isLast">The context is only looked at: what it would become is not computed and has no output weights.</param>
    public JointAttention(WeightScope scope, Sd3Config config, bool isLast)
    {
        _image = new AttentionProjections(scope, (config.Heads, config.HeadWidth), config.NormalisesQueriesAndKeys, AttentionProjections.ImageNames);
        _context = new AttentionProjections(scope, (config.Heads, config.HeadWidth), config.NormalisesQueriesAndKeys, AttentionProjections.ContextNames, hasQueries: !isLast);
        _imageOutput = new Linear(scope / "to_out" / 0, config.Width, config.Width, role: SiteRole.Attention);
        if (!isLast) _contextOutput = new Linear(scope / "to_add_out", config.Width, config.Width, role: SiteRole.Attention);
    }

    /// <summary>[B, L, width] and [B, T, width] to the same shapes; no context comes back from the last block.</summary>
    public (Tensor Image, Tensor? Context) Forward(Tensor image, Tensor context)
    {
        using var scope = NewDisposeScope();
        var keys = cat([_image.Keys(image), _context.Keys(context)], 2);
        var values = cat([_image.Values(image), _context.Values(context)], 2);
        if (_contextOutput is null)
            return (_imageOutput.Forward(Attention.JoinHeads(Attention.Attend(_image.Queries(image), keys, values))).MoveToOuterDisposeScope(), null);
        var queries = cat([_image.Queries(image), _context.Queries(context)], 2);
        var attended = Attention.Attend(queries, keys, values);
        var imageUpdate = _imageOutput.Forward(Attention.JoinHeads(attended.narrow(2, 0, image.shape[1])));
        var contextUpdate = _contextOutput.Forward(Attention.JoinHeads(attended.narrow(2, image.shape[1], context.shape[1])));
        return (imageUpdate.MoveToOuterDisposeScope(), contextUpdate.MoveToOuterDisposeScope());
    }
}
