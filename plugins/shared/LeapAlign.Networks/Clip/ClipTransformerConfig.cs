using LeapAlign.Networks.Configuration;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Clip;

/// <summary>The size of one of CLIP's two transformers.</summary>
public sealed record ClipTransformerConfig
{
    /// <summary>Width of the hidden state.</summary>
    public required int Width { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Attention heads; they divide <see cref="Width"/>.</summary>
    public required int Heads { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required int Intermediate { get; init; }

    /// <summary>The MLP's activation.</summary>
    public required Func<Tensor, Tensor> Activation { get; init; }

    /// <summary>Epsilon of every layer norm.</summary>
    public required double Epsilon { get; init; }

    /// <summary>Reads the fields that both towers share; what is wrong is remembered by them.</summary>
    /// <param name="fields">The tower's.</param>
    /// <param name="width">Width where the file gives none: 512 for text, 768 for images.</param>
    /// <param name="heads">Heads where the file gives none: 8 and 12.</param>
    internal static ClipTransformerConfig From(ConfigFields fields, int width, int heads)
    {
        fields.NotNull("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act", "layer_norm_eps");
        var config = new ClipTransformerConfig
        {
            Width = fields.Size("hidden_size", width),
            Layers = fields.Size("num_hidden_layers", 12),
            Heads = fields.Size("num_attention_heads", heads),
            Intermediate = fields.Size("intermediate_size", 4 * width),
            Activation = fields.ActivationNamed("hidden_act", fields.Text("hidden_act", "quick_gelu")),
            Epsilon = fields.Fraction("layer_norm_eps", 1e-5),
        };
        fields.Require(config.Width % config.Heads == 0, "num_attention_heads", $"is {config.Heads}, but has to divide the hidden size {config.Width}");
        return config;
    }
}
