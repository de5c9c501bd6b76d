using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
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
    public static Result<T5Config> Read(string path) => Read(path, null);

    /// <param name="path">The file.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <inheritdoc cref="Read(string)"/>
    public static Result<T5Config> Read(string path, Action<Fault>? warn) => ConfigFields.Read(path, ["T5EncoderModel"], From, TextFormats.T5, warn);

    private static T5Config From(ConfigFields fields)
    {
        fields.RequireCommon("t5");
        fields.Require(!fields.Flag("is_decoder", false), "is_decoder", "is true, but an encoder's positions see later ones");
        fields.Require(!fields.Flag("is_causal", false), "is_causal", "is true, but an encoder's positions see later ones");
        fields.NotNull("d_model", "d_kv", "d_ff", "num_layers", "num_heads", "vocab_size", "layer_norm_epsilon", "feed_forward_proj", "is_decoder",
            "hidden_size", "head_dim", "num_hidden_layers", "num_attention_heads", "dense_act_fn", "is_gated_act", "relative_attention_num_buckets", "relative_attention_max_distance");
        var (activation, gated) = FeedForward(fields);
        return new T5Config
        {
            Width = Named(fields, "d_model", "hidden_size", 512),
            HeadWidth = Named(fields, "d_kv", "head_dim", 64),
            Heads = Named(fields, "num_heads", "num_attention_heads", 8),
            Intermediate = fields.Size("d_ff", 2048),
            Layers = Named(fields, "num_layers", "num_hidden_layers", 6),
            Vocabulary = fields.Size("vocab_size", 32128),
            Buckets = T5PositionBuckets.From(fields),
            Activation = activation,
            Gated = gated,
            Epsilon = fields.Fraction("layer_norm_epsilon", 1e-6),
        };
    }

    // Sizes have a second name, which hides the first where both are there.
    private static int Named(ConfigFields fields, string key, string other, int absent)
    {
        var size = fields.Size(key, absent);
        return fields.Size(other, size);
    }

    private static (Func<Tensor, Tensor> Activation, bool Gated) FeedForward(ConfigFields fields)
    {
        const string key = "feed_forward_proj";
        const string function = "dense_act_fn";
        const string gate = "is_gated_act";
        var parts = fields.Text(key, "relu").Split('-');
        var gated = parts[0] == "gated";
        fields.Require(parts.Length == 1 || (gated && parts.Length == 2), key, $"is \"{string.Join('-', parts)}\", but has to be a function or gated-function");
        // The released files say "gated-gelu" and mean the tanh form.
        var name = parts is ["gated", "gelu"] ? "gelu_new" : parts[^1];
        // Both parts are written out by the library too, and count when they are.
        var activation = fields.Has(function) ? fields.ActivationNamed(function, fields.Text(function, name)) : fields.ActivationNamed(key, name);
        return (activation, fields.Flag(gate, gated));
    }
}
