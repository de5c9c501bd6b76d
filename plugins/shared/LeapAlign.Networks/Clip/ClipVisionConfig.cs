using LeapAlign.Networks.Configuration;

namespace LeapAlign.Networks.Clip;

/// <summary><c>vision_config</c> of a CLIP model's config.json; fields that are absent have the defaults of the transformers library.</summary>
public sealed record ClipVisionConfig
{
    /// <summary>The transformer's size.</summary>
    public required ClipTransformerConfig Transformer { get; init; }

    /// <summary>Side of the square image, in pixels.</summary>
    public required int ImageSize { get; init; }

    /// <summary>Side of a patch, in pixels.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Colour channels.</summary>
    public required int Channels { get; init; }

    /// <summary>Width of the projected features.</summary>
    public required int Projection { get; init; }

    internal static ClipVisionConfig From(ConfigFields fields, int projection)
    {
        fields.RequireCommon("clip_vision_model");
        fields.NotNull("image_size", "patch_size", "num_channels");
        fields.Require(!fields.Flag("is_causal", false), "is_causal", "is true, but a patch of a picture sees all others");
        var config = new ClipVisionConfig
        {
            Transformer = ClipTransformerConfig.From(fields, width: 768, heads: 12),
            ImageSize = fields.Size("image_size", 224),
            PatchSize = fields.Size("patch_size", 32),
            Channels = fields.Size("num_channels", 3),
            Projection = projection,
        };
        fields.Require(config.Channels == 3, "num_channels", $"is {config.Channels}, but pictures have 3 colours");
        fields.Require(config.PatchSize <= config.ImageSize, "patch_size", $"is {config.PatchSize}, but the image is only {config.ImageSize} wide");
        return config;
    }
}
