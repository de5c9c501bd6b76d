using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.T5;

/// <summary>The encoder of T5 (<c>T5EncoderModel</c>): no positions but a bias by relative distance, no scaling of attention scores, no attention mask.</summary>
public sealed class T5Encoder
{
    private readonly Embedding _tokens;
    private readonly Embedding _positionBias;
    private readonly T5Block[] _blocks;
    private readonly RmsNorm _finalNorm;
    private readonly T5PositionBuckets _buckets;

    /// <summary>Declares the weights under the names of published checkpoints: <c>shared.weight</c>, <c>encoder.…</c>.</summary>
    public T5Encoder(T5Config config, WeightScope scope)
    {
        ArgumentNullException.ThrowIfNull(config);
        var encoder = scope / "encoder";
        _buckets = config.Buckets;
        _tokens = new Embedding(scope / "shared", config.Vocabulary, config.Width);
        // Only the first block has the table; all blocks use it.
        _positionBias = new Embedding(encoder / "block" / 0 / "layer" / 0 / "SelfAttention" / "relative_attention_bias", config.Buckets.Count, config.Heads);
        _blocks = [.. Enumerable.Range(0, config.Layers).Select(index => new T5Block(config, encoder / "block" / index / "layer"))];
        _finalNorm = new RmsNorm(encoder / "final_layer_norm", config.Width, config.Epsilon);
    }

    /// <summary>The declared name for a name in a file, for <see cref="WeightSet.Load"/>: the token table is stored under one of two names, or both.</summary>
    public static string DeclaredName(string fileName) => fileName == "encoder.embed_tokens.weight" ? "shared.weight" : fileName;

    /// <summary>Encodes token sequences; padding takes part like any other token.</summary>
    /// <param name="ids">[B, T] int64, the end token included.</param>
    /// <returns>[B, T, width] in the compute type.</returns>
    public Tensor Forward(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var scope = NewDisposeScope();
        var buckets = _buckets.Of(ids.shape[1], ids.device);
        var bias = _positionBias.Forward(buckets).permute(2, 0, 1).unsqueeze(0);
        var hidden = _tokens.Forward(ids);
        foreach (var block in _blocks) hidden = block.Forward(hidden, bias);
        return _finalNorm.Forward(hidden).MoveToOuterDisposeScope();
    }
}
