using LeapAlign.Networks.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Clip;

/// <summary>config.json of a CLIP text encoder; fields that are absent have the defaults of the transformers library.</summary>
public sealed record ClipTextConfig
{
    /// <summary>The transformer's size.</summary>
    public required ClipTransformerConfig Transformer { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required long Vocabulary { get; init; }

    /// <summary>Rows of the position table: the longest sequence.</summary>
    public required long Positions { get; init; }

    /// <summary>The id of the end token; 2 in old files, which means the largest id of a sequence.</summary>
    public required long EndToken { get; init; }

    /// <summary>Width of the projected features, or null for a model without projection.</summary>
    public required long? Projection { get; init; }

    /// <summary>Reads config.json of a folder with a <c>CLIPTextModel</c> or <c>CLIPTextModelWithProjection</c>.</summary>
    /// <returns>A fault when the file is absent, malformed or describes another model.</returns>
    public static Result<ClipTextConfig> Read(string folder) => ConfigReader.Open(folder).Bind(From);

    /// <summary>Reads the text of such a file.</summary>
    /// <param name="json">The text.</param>
    /// <param name="file">Where it came from, for messages.</param>
    public static Result<ClipTextConfig> Parse(string json, string file) => ConfigReader.Parse(json, file).Bind(From);

    private static Result<ClipTextConfig> From(ConfigReader reader)
    {
        var projects = reader.Class("CLIPTextModel", "CLIPTextModelWithProjection") == "CLIPTextModelWithProjection";
        var config = From(reader, projects ? reader.Count("projection_dim", 512) : null);
        return reader.Fault is { } fault ? fault : config;
    }

    internal static ClipTextConfig From(ConfigReader reader, long? projection)
    {
        ClipConfig.ExpectType(reader, "clip_text_model");
        return new()
        {
            Transformer = ClipTransformerConfig.From(reader, width: 512, heads: 8),
            Vocabulary = reader.Count("vocab_size", 49408),
            Positions = reader.Count("max_position_embeddings", 77),
            EndToken = reader.Whole("eos_token_id", 49407),
            Projection = projection,
        };
    }
}
