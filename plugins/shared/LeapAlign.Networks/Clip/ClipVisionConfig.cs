using LeapAlign.Networks.Configuration;

namespace LeapAlign.Networks.Clip;

/// <summary><c>vision_config</c> of a CLIP model's config.json; fields that are absent have the defaults of the transformers library.</summary>
public sealed record ClipVisionConfig
{
    /// <summary>The transformer's size.</summary>
    public required ClipTransformerConfig Transformer { get; init; }

    /// <summary>Side of the square image, in pixels.</summary>
    public required long ImageSize { get; init; }

    /// <summary>Side of a patch, in pixels.</summary>
    public required long PatchSize { get; init; }

    /// <summary>Colour channels.</summary>
    public required long Channels { get; init; }

    /// <summary>Width of the projected features.</summary>
    public required long Projection { get; init; }

    internal static ClipVisionConfig From(ConfigReader reader, long projection)
    {
        ClipConfig.ExpectType(reader, "clip_vision_model");
        var config = new ClipVisionConfig
        {
            Transformer = ClipTransformerConfig.From(reader, width: 768, heads: 12),
            ImageSize = reader.Count("image_size", 224),
            PatchSize = reader.Count("patch_size", 32),
            Channels = reader.Count("num_channels", 3),
            Projection = projection,
        };
        if (config.PatchSize > config.ImageSize) reader.Reject("patch_size", $"is {config.PatchSize}, expected at most the image size {config.ImageSize}");
        return config;
    }
}
