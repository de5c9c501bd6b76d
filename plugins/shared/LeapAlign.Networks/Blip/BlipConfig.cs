using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Blip;

/// <summary>The sizes of BLIP's two towers as ImageReward uses them: an image tower, and a text tower that looks at the picture in every layer.</summary>
public sealed record BlipConfig
{
    /// <summary>Side of the square picture, in pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Side of a patch, in pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>The image tower's width, layers and heads.</summary>
    public required (int Width, int Layers, int Heads) Vision { get; init; }

    /// <summary>The text tower's width, layers and heads.</summary>
    public required (int Width, int Layers, int Heads) Text { get; init; }

    /// <summary>Width inside the text tower's MLP.</summary>
    public required int Intermediate { get; init; }

    /// <summary>Its activation.</summary>
    public required Func<Tensor, Tensor> Activation { get; init; }

    /// <summary>Epsilon of its norms.</summary>
    public required double Epsilon { get; init; }

    /// <summary>Rows of its token table.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Rows of its position table: the longest text.</summary>
    public required int Positions { get; init; }

    /// <summary>Reads the configurations of a folder: med_config.json as BLIP publishes it, and vision_config.json where the image tower is not ViT-L/16 at 224.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="warn">Is told keys that no library knows.</param>
    /// <returns>A fault when a file is absent, malformed or describes another model.</returns>
    public static Result<BlipConfig> Read(string folder, Action<Fault>? warn = null)
    {
        var vision = Path.Combine(folder, BlipFormats.Vision.File);
        var sizes = File.Exists(vision) ? ConfigFields.Read(vision, Sizes, BlipFormats.Vision, warn) : (224, 16, (1024, 24, 16));
        return sizes.Bind(sizes => ConfigFields.Read(Path.Combine(folder, BlipFormats.Text.File), ["BertModel"], fields => From(fields, sizes), BlipFormats.Text, warn));
    }

    private static (int Image, int Patch, (int Width, int Layers, int Heads) Tower) Sizes(ConfigFields fields)
    {
        var (width, heads) = (fields.Size("width", 1024), fields.Size("heads", 16));
        fields.Require(width % heads == 0, "heads", $"is {heads}, but has to divide the width {width}");
        var (image, patch) = (fields.Size("image_size", 224), fields.Size("patch_size", 16));
        fields.Require(patch <= image, "patch_size", $"is {patch}, but the image is only {image} wide");
        return (image, patch, (width, fields.Size("layers", 24), heads));
    }

    private static BlipConfig From(ConfigFields fields, (int Image, int Patch, (int Width, int Layers, int Heads) Tower) sizes)
    {
        fields.RequireCommon("bert");
        fields.NotNull("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", "layer_norm_eps", "max_position_embeddings", "vocab_size");
        fields.Require(fields.Flag("add_cross_attention", true), "add_cross_attention", "is false, but the text has to look at the picture");
        fields.Word("position_embedding_type", "absolute");
        var (width, heads) = (fields.Size("hidden_size", 768), fields.Size("num_attention_heads", 12));
        fields.Require(width % heads == 0, "num_attention_heads", $"is {heads}, but has to divide the hidden size {width}");
        return new BlipConfig
        {
            ImageSize = sizes.Image,
            PatchSize = sizes.Patch,
            Vision = sizes.Tower,
            Text = (width, fields.Size("num_hidden_layers", 12), heads),
            Intermediate = fields.Size("intermediate_size", 3072),
            Activation = fields.ActivationNamed("hidden_act", fields.Text("hidden_act", "gelu")),
            Epsilon = fields.Number("layer_norm_eps", 1e-12),
            Vocabulary = fields.Size("vocab_size", 30522),
            Positions = fields.Size("max_position_embeddings", 512),
        };
    }
}
