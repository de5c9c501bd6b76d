using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
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
    public static Result<ClipConfig> Read(string path) => Read(path, null);

    /// <param name="path">The file.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <inheritdoc cref="Read(string)"/>
    public static Result<ClipConfig> Read(string path, Action<Fault>? warn) => ConfigFields.Read(path, ["CLIPModel"], From, TextFormats.ClipModel, warn);

    private static ClipConfig From(ConfigFields fields)
    {
        fields.RequireCommon("clip");
        fields.NotNull("projection_dim");
        var projection = fields.Size("projection_dim", 512);
        return new ClipConfig
        {
            Text = ClipTextConfig.From(Tower(fields, "text_config"), projection),
            Vision = ClipVisionConfig.From(Tower(fields, "vision_config"), projection),
        };
    }

    // Old files have the fields twice; the library takes all of the second object where it is there, its defaults included.
    private static ConfigFields Tower(ConfigFields fields, string key) => fields.Section(fields.Has($"{key}_dict") ? $"{key}_dict" : key);
}
