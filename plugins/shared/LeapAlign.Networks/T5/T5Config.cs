using LeapAlign.Networks.Configuration;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Layers.Activation;
using static TorchSharp.torch;

namespace LeapAlign.Networks.T5;

/// <summary>config.json of a T5 encoder; fields that are absent have the defaults of the transformers library.</summary>
public sealed record T5Config
{
    /// <summary>Width of the hidden state (<c>d_model</c>).</summary>
    public required int Width { get; init; }

    /// <summary>Width of a head (<c>d_kv</c>); heads times this need not be <see cref="Width"/>.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>Attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Width inside the MLP (<c>d_ff</c>).</summary>
    public required int Intermediate { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>How relative positions share biases.</summary>
    public required T5PositionBuckets Buckets { get; init; }

    /// <summary>The MLP's activation.</summary>
    public required Func<Tensor, Tensor> Activation { get; init; }

    /// <summary>Whether a second projection multiplies the activated one (version 1.1 and later).</summary>
    public required bool Gated { get; init; }

    /// <summary>Epsilon of every norm.</summary>
    public required double Epsilon { get; init; }

    /// <summary>Reads the config.json of a <c>T5EncoderModel</c>.</summary>
    /// <param name="path">The file.</param>
    /// <returns>A fault when the file is absent, malformed or describes another model.</returns>
    public static Result<T5Config> Read(string path) => ConfigFields.Read(path, ["T5EncoderModel"], From);

    private static T5Config From(ConfigFields fields)
    {
        fields.Word("model_type", "t5");
        var (activation, gated) = FeedForward(fields);
        return new T5Config
        {
            Width = fields.Size("d_model", 512),
            HeadWidth = fields.Size("d_kv", 64),
            Heads = fields.Size("num_heads", 8),
            Intermediate = fields.Size("d_ff", 2048),
            Layers = fields.Size("num_layers", 6),
            Vocabulary = fields.Size("vocab_size", 32128),
            Buckets = T5PositionBuckets.From(fields),
            Activation = activation,
            Gated = gated,
            Epsilon = fields.Number("layer_norm_epsilon", 1e-6),
        };
    }

    private static (Func<Tensor, Tensor> Activation, bool Gated) FeedForward(ConfigFields fields)
    {
        const string key = "feed_forward_proj";
        const string prefix = "gated-";
        var name = fields.Text(key, "relu");
        // The released files say "gated-gelu" and mean the tanh form.
        if (name == "gated-gelu") return (GeluTanh, true);
        var gated = name.StartsWith(prefix, StringComparison.Ordinal);
        return (fields.ActivationNamed(key, gated ? name[prefix.Length..] : name), gated);
    }
}
