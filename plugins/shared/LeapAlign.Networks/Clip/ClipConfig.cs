using LeapAlign.Networks.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Clip;

/// <summary>config.json of a whole CLIP model: two towers that meet in one feature space.</summary>
public sealed record ClipConfig
{
    /// <summary>The text tower, with projection.</summary>
    public required ClipTextConfig Text { get; init; }

    /// <summary>The image tower.</summary>
    public required ClipVisionConfig Vision { get; init; }

    /// <summary>Reads the config.json of a <c>CLIPModel</c>.</summary>
    /// <param name="path">The file.</param>
    /// <returns>A fault when the file is absent, malformed or describes another model.</returns>
    public static Result<ClipConfig> Read(string path) => ConfigFields.Read(path, ["CLIPModel"], From);

    private static ClipConfig From(ConfigFields fields)
    {
        fields.Word("model_type", "clip");
        var projection = fields.Size("projection_dim", 512);
        return new ClipConfig
        {
            Text = ClipTextConfig.From(fields.Section("text_config"), projection),
            Vision = ClipVisionConfig.From(fields.Section("vision_config"), projection),
        };
    }
}
