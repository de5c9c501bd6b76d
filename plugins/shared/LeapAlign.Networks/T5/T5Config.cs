using LeapAlign.Networks.Configuration;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Layers.Activation;
using static TorchSharp.torch;

namespace LeapAlign.Networks.T5;

/// <summary>config.json of a T5 encoder; fields that are absent have the defaults of the transformers library.</summary>
public sealed record T5Config
{
    /// <summary>Width of the hidden state (<c>d_model</c>).</summary>
    public required long Width { get; init; }

    /// <summary>Width of a head (<c>d_kv</c>); heads times this need not be <see cref="Width"/>.</summary>
    public required long HeadWidth { get; init; }

    /// <summary>Attention heads.</summary>
    public required long Heads { get; init; }

    /// <summary>Width inside the MLP (<c>d_ff</c>).</summary>
    public required long Intermediate { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required long Vocabulary { get; init; }

    /// <summary>How relative positions share biases.</summary>
    public required T5PositionBuckets Buckets { get; init; }

    /// <summary>The MLP's activation.</summary>
    public required Func<Tensor, Tensor> Activation { get; init; }

    /// <summary>Whether a second projection multiplies the activated one (version 1.1 and later).</summary>
    public required bool Gated { get; init; }

    /// <summary>Epsilon of every norm.</summary>
    public required double Epsilon { get; init; }

    /// <summary>Reads config.json of a folder with a <c>T5EncoderModel</c>.</summary>
    /// <returns>A fault when the file is absent, malformed or describes another model.</returns>
    public static Result<T5Config> Read(string folder) => ConfigReader.Open(folder).Bind(From);

    /// <summary>Reads the text of such a file.</summary>
    /// <param name="json">The text.</param>
    /// <param name="file">Where it came from, for messages.</param>
    public static Result<T5Config> Parse(string json, string file) => ConfigReader.Parse(json, file).Bind(From);

    private static Result<T5Config> From(ConfigReader reader)
    {
        reader.Class("T5EncoderModel");
        var type = reader.Text("model_type", "t5");
        if (type != "t5") reader.Reject("model_type", $"is '{type}', expected 't5'");
        var (activation, gated) = FeedForward(reader);
        var config = new T5Config
        {
            Width = reader.Count("d_model", 512),
            HeadWidth = reader.Count("d_kv", 64),
            Heads = reader.Count("num_heads", 8),
            Intermediate = reader.Count("d_ff", 2048),
            Layers = (int)reader.Count("num_layers", 6),
            Vocabulary = reader.Count("vocab_size", 32128),
            Buckets = T5PositionBuckets.From(reader),
            Activation = activation,
            Gated = gated,
            Epsilon = reader.Number("layer_norm_epsilon", 1e-6),
        };
        return reader.Fault is { } fault ? fault : config;
    }

    private static (Func<Tensor, Tensor> Activation, bool Gated) FeedForward(ConfigReader reader)
    {
        const string Key = "feed_forward_proj";
        var name = reader.Text(Key, "relu");
        // The released files say "gated-gelu" and mean the tanh form.
        if (name == "gated-gelu") return (GeluTanh, true);
        const string Prefix = "gated-";
        var gated = name.StartsWith(Prefix, StringComparison.Ordinal);
        return (reader.ActivationFunction(Key, gated ? name[Prefix.Length..] : name), gated);
    }
}
