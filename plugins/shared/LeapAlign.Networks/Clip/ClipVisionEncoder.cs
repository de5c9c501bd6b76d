using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>CLIP's image tower: a vision transformer whose class token is projected to features.</summary>
public sealed class ClipVisionEncoder
{
    private readonly Weight _classToken;
    private readonly PatchProjection _patches;
    private readonly Embedding _positions;
    private readonly LayerNorm _inputNorm;
    private readonly ClipTransformer _transformer;
    private readonly LayerNorm _outputNorm;
    private readonly Linear _projection;
    private readonly long _tokens;

    /// <summary>Declares the weights under the names of published checkpoints, <c>vision_model.…</c> and <c>visual_projection.weight</c>.</summary>
    /// <param name="config">The size.</param>
    /// <param name="scope">The model's scope.</param>
    /// <param name="layersPerCheckpoint">0 keeps the graph of all layers; n computes n layers again in the backward.</param>
    public ClipVisionEncoder(ClipVisionConfig config, WeightScope scope, int layersPerCheckpoint = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        var model = scope / "vision_model";
        var embeddings = model / "embeddings";
        var (width, side) = (config.Transformer.Width, config.ImageSize / config.PatchSize);
        _classToken = embeddings.Weight("class_embedding", width);
        _patches = new PatchProjection(embeddings / "patch_embedding", width, config.Channels, config.ImageSize, config.PatchSize, bias: false);
        _tokens = (side * side) + 1;
        _positions = new Embedding(embeddings / "position_embedding", _tokens, width);
        // The misspelling is the checkpoints'.
        _inputNorm = new LayerNorm(model / "pre_layrnorm", width, config.Transformer.Epsilon);
        _transformer = new ClipTransformer(config.Transformer, model / "encoder", layersPerCheckpoint);
        _outputNorm = new LayerNorm(model / "post_layernorm", width, config.Transformer.Epsilon);
        _projection = new Linear(scope / "visual_projection", width, config.Projection, bias: false);
    }

    /// <summary>Encodes normalised images.</summary>
    /// <param name="pixels">[B, channels, S, S] with S the configured image size, any floating-point type.</param>
    /// <returns>[B, features], not normalised, in the compute type.</returns>
    public Tensor Forward(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using var scope = NewDisposeScope();
        var patches = _patches.Forward(pixels);
        var classToken = _classToken.Value.expand(patches.shape[0], 1, patches.shape[2]);
        var hidden = cat([classToken, patches], 1) + _positions.First(_tokens);
        var output = _transformer.Last(_inputNorm.Forward(hidden), mask: null);
        return _projection.Forward(_outputNorm.Forward(output.select(1, 0))).MoveToOuterDisposeScope();
    }
}
