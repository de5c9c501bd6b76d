using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>CLIP's image tower: a vision transformer whose class token is projected to features.</summary>
public sealed class ClipVisionEncoder
{
    private readonly Weight _classToken;
    private readonly Weight _patches;
    private readonly Embedding _positions;
    private readonly LayerNorm _inputNorm;
    private readonly ClipTransformer _transformer;
    private readonly LayerNorm _outputNorm;
    private readonly Linear _projection;
    private readonly long _imageSize;
    private readonly long _patchSize;
    private readonly long _tokens;

    /// <summary>Declares the weights under the names of published checkpoints, <c>vision_model.…</c> and <c>visual_projection.weight</c>.</summary>
    public ClipVisionEncoder(ClipVisionConfig config, WeightScope scope)
    {
        ArgumentNullException.ThrowIfNull(config);
        var model = scope / "vision_model";
        var embeddings = model / "embeddings";
        var (width, side) = (config.Transformer.Width, config.ImageSize / config.PatchSize);
        (_imageSize, _patchSize) = (config.ImageSize, config.PatchSize);
        _classToken = embeddings.Weight("class_embedding", width);
        _patches = (embeddings / "patch_embedding").Weight("weight", width, config.Channels, _patchSize, _patchSize);
        _tokens = (side * side) + 1;
        _positions = new Embedding(embeddings / "position_embedding", _tokens, width);
        // The misspelling is the checkpoints'.
        _inputNorm = new LayerNorm(model / "pre_layrnorm", width, config.Transformer.Epsilon);
        _transformer = new ClipTransformer(config.Transformer, model / "encoder");
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
        var weight = _patches.Value;
        var patches = nn.functional.linear(Cut(pixels.to(weight.dtype)), weight.flatten(1));
        var classToken = _classToken.Value.expand(patches.shape[0], 1, patches.shape[2]);
        var hidden = cat([classToken, patches], 1) + _positions.First(_tokens);
        var (_, output) = _transformer.Forward(_inputNorm.Forward(hidden), mask: null);
        return _projection.Forward(_outputNorm.Forward(output.select(1, 0))).MoveToOuterDisposeScope();
    }

    /// <summary>[B, C, S, S] to [B, patches, C · p · p]: kernel and stride of the embedding are equal, so it is a matrix product over patches.</summary>
    /// <exception cref="ArgumentException">The images have another size than the model's.</exception>
    private Tensor Cut(Tensor pixels)
    {
        var (batch, channels, height, width) = (pixels.shape[0], pixels.shape[1], pixels.shape[2], pixels.shape[3]);
        if (height != _imageSize || width != _imageSize)
            throw new ArgumentException($"images of {width} x {height} pixels for a model that takes {_imageSize} x {_imageSize}", nameof(pixels));
        var side = _imageSize / _patchSize;
        // Pixels beyond the last whole patch are left out, as a convolution leaves them.
        var whole = pixels.narrow(2, 0, side * _patchSize).narrow(3, 0, side * _patchSize);
        return whole.reshape(batch, channels, side, _patchSize, side, _patchSize).permute(0, 2, 4, 1, 3, 5).reshape(batch, side * side, -1);
    }
}
