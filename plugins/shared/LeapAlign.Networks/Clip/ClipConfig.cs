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

    /// <summary>Reads config.json of a folder with a <c>CLIPModel</c>.</summary>
    /// <returns>A fault when the file is absent, malformed or describes another model.</returns>
    public static Result<ClipConfig> Read(string folder) => ConfigReader.Open(folder).Bind(From);

    /// <summary>Reads the text of such a file.</summary>
    /// <param name="json">The text.</param>
    /// <param name="file">Where it came from, for messages.</param>
    public static Result<ClipConfig> Parse(string json, string file) => ConfigReader.Parse(json, file).Bind(From);

    internal static void ExpectType(ConfigReader reader, string expected)
    {
        var type = reader.Text("model_type", expected);
        if (type != expected) reader.Reject("model_type", $"is '{type}', expected '{expected}'");
    }

    private static Result<ClipConfig> From(ConfigReader reader)
    {
        reader.Class("CLIPModel");
        ExpectType(reader, "clip");
        var projection = reader.Count("projection_dim", 512);
        var config = new ClipConfig
        {
            Text = ClipTextConfig.From(reader.Section("text_config"), projection),
            Vision = ClipVisionConfig.From(reader.Section("vision_config"), projection),
        };
        return reader.Fault is { } fault ? fault : config;
    }
}
