using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>A whole CLIP model (<c>CLIPModel</c>): features of images and texts in one space, where the cosine says how well they fit.</summary>
public sealed class ClipModel
{
    private readonly ClipTextEncoder _text;
    private readonly ClipVisionEncoder _vision;
    private readonly Weight _logitScale;

    /// <summary>Declares the weights under the names of published checkpoints.</summary>
    /// <param name="config">The sizes.</param>
    /// <param name="scope">The model's scope.</param>
    /// <param name="layersPerCheckpoint">0 keeps the graph of all layers of the image tower; n computes n layers again in the backward.</param>
    public ClipModel(ClipConfig config, WeightScope scope, int layersPerCheckpoint = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        // Kept as a buffer: rounded to bf16 its exponential would be off by a percent.
        _logitScale = scope.Buffer("logit_scale");
        _text = new ClipTextEncoder(config.Text, scope);
        _vision = new ClipVisionEncoder(config.Vision, scope, layersPerCheckpoint);
    }

    /// <summary>Features of normalised images.</summary>
    /// <param name="pixels">[B, channels, S, S] with S the configured image size.</param>
    /// <returns>[B, features] fp32 (fp64 in a network that computes in it), of unit length.</returns>
    public Tensor ImageFeatures(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return UnitLength(_vision.Forward(pixels)).MoveToOuterDisposeScope();
    }

    /// <summary>Features of token sequences.</summary>
    /// <param name="ids">[B, T] int64, begin and end tokens included.</param>
    /// <returns>[B, features] fp32 (fp64 in a network that computes in it), of unit length.</returns>
    public Tensor TextFeatures(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return UnitLength(_text.Forward(ids).Pooled).MoveToOuterDisposeScope();
    }

    /// <summary>[] fp32: the factor that turned cosines into logits when the model was trained, <c>exp(logit_scale)</c>.</summary>
    public Tensor LogitScale() => _logitScale.Value.to(ScalarType.Float32).exp();

    private static Tensor UnitLength(Tensor features)
    {
        var wide = features.dtype == ScalarType.Float64 ? features : features.to(ScalarType.Float32);
        return wide / wide.square().sum(-1, keepdim: true).sqrt();
    }
}
