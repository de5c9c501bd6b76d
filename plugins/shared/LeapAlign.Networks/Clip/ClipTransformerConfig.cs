using LeapAlign.Networks.Configuration;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>The size of one of CLIP's two transformers.</summary>
public sealed record ClipTransformerConfig
{
    /// <summary>Width of the hidden state.</summary>
    public required long Width { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Attention heads; they divide <see cref="Width"/>.</summary>
    public required long Heads { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required long Intermediate { get; init; }

    /// <summary>The MLP's activation.</summary>
    public required Func<Tensor, Tensor> Activation { get; init; }

    /// <summary>Epsilon of every layer norm.</summary>
    public required double Epsilon { get; init; }

    /// <summary>Reads the fields that both towers share; what is wrong is remembered by the reader.</summary>
    /// <param name="reader">The tower's fields.</param>
    /// <param name="width">Width where the file gives none: 512 for text, 768 for images.</param>
    /// <param name="heads">Heads where the file gives none: 8 and 12.</param>
    internal static ClipTransformerConfig From(ConfigReader reader, long width, long heads)
    {
        var config = new ClipTransformerConfig
        {
            Width = reader.Count("hidden_size", width),
            Layers = (int)reader.Count("num_hidden_layers", 12),
            Heads = reader.Count("num_attention_heads", heads),
            Intermediate = reader.Count("intermediate_size", 4 * width),
            Activation = reader.ActivationFunction("hidden_act", reader.Text("hidden_act", "quick_gelu")),
            Epsilon = reader.Number("layer_norm_eps", 1e-5),
        };
        if (reader.Fault is null && config.Width % config.Heads != 0)
            reader.Reject("num_attention_heads", $"is {config.Heads}, expected a divisor of the hidden size {config.Width}");
        return config;
    }
}
