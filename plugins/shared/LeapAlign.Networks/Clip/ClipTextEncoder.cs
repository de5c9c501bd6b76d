using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>CLIP's text tower (<c>CLIPTextModel</c>, <c>CLIPTextModelWithProjection</c>): a causal transformer over token ids.</summary>
public sealed class ClipTextEncoder
{
    private const string Prefix = "text_model.";
    private const long LegacyEndToken = 2;
    private static readonly Scalar Zero = 0L;
    private static readonly Scalar Masked = double.NegativeInfinity;

    private readonly Embedding _tokens;
    private readonly Embedding _positions;
    private readonly ClipTransformer _transformer;
    private readonly LayerNorm _finalNorm;
    private readonly Linear? _projection;
    private readonly Scalar? _endToken;

    /// <summary>Declares the weights under the names of published checkpoints, <c>text_model.…</c> and <c>text_projection.weight</c>.</summary>
    public ClipTextEncoder(ClipTextConfig config, WeightScope scope)
    {
        ArgumentNullException.ThrowIfNull(config);
        var model = scope / "text_model";
        var width = config.Transformer.Width;
        _tokens = new Embedding(model / "embeddings" / "token_embedding", config.Vocabulary, width);
        _positions = new Embedding(model / "embeddings" / "position_embedding", config.Positions, width);
        _transformer = new ClipTransformer(config.Transformer, model / "encoder");
        _finalNorm = new LayerNorm(model / "final_layer_norm", width, config.Transformer.Epsilon);
        if (config.Projection is { } features) _projection = new Linear(scope / "text_projection", width, features, bias: false);
        if (config.EndToken != LegacyEndToken) _endToken = config.EndToken;
    }

    /// <summary>The declared name for a name in a file, for <see cref="WeightSet.Load"/>: newer files leave out the prefix <c>text_model.</c>.</summary>
    public static string DeclaredName(string fileName)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        return fileName.StartsWith(Prefix, StringComparison.Ordinal) || fileName.StartsWith("text_projection.", StringComparison.Ordinal)
            ? fileName
            : Prefix + fileName;
    }

    /// <summary>Encodes token sequences.</summary>
    /// <param name="ids">[B, T] int64, begin and end tokens included, at most as long as the position table.</param>
    /// <returns>
    /// Penultimate: [B, T, width], what enters the last layer, not normalised. Last: [B, T, width], after the final norm. Pooled: the last state at the
    /// first end token, [B, width], or its projection [B, features] in a model that has one.
    /// </returns>
    public (Tensor Penultimate, Tensor Last, Tensor Pooled) Forward(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var scope = NewDisposeScope();
        var length = ids.shape[1];
        var hidden = _tokens.Forward(ids) + _positions.First(length);
        var mask = full([length, length], Masked, dtype: hidden.dtype, device: hidden.device).triu(1);
        var (penultimate, output) = _transformer.Forward(hidden, mask);
        var last = _finalNorm.Forward(output);
        var index = EndPositions(ids).view(-1, 1, 1).expand(-1, 1, last.shape[2]);
        var pooled = last.gather(1, index).squeeze(1);
        if (_projection is not null) pooled = _projection.Forward(pooled);
        return (penultimate.MoveToOuterDisposeScope(), last.MoveToOuterDisposeScope(), pooled.MoveToOuterDisposeScope());
    }

    /// <summary>[B] position of the first end token of each row; 0 where there is none, as in the reference.</summary>
    private Tensor EndPositions(Tensor ids)
    {
        // Old files say "end token 2", which the published vocabulary does not use: there the end token is the largest id of the row.
        var ends = _endToken is null ? ids.eq(ids.amax([1], keepdim: true)) : ids.eq(_endToken);
        // Tokens before the first end, counted: unlike argmax this leaves nothing to the tie-breaking of a device. A row without end counts all T.
        var before = ends.to(int64).cumsum(1).eq(Zero).sum(1);
        return before.remainder(ids.shape[1]);
    }
}
