using LeapAlign.Networks.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Clip;

/// <summary>config.json of a CLIP text encoder; fields that are absent have the defaults of the transformers library.</summary>
public sealed record ClipTextConfig
{
    private const string WithProjection = "CLIPTextModelWithProjection";

    /// <summary>The transformer's size.</summary>
    public required ClipTransformerConfig Transformer { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Rows of the position table: the longest sequence.</summary>
    public required int Positions { get; init; }

    /// <summary>The id of the end token; 2 in old files, which means the largest id of a sequence.</summary>
    public required long EndToken { get; init; }

    /// <summary>Width of the projected features, or null for a model without projection.</summary>
    public required int? Projection { get; init; }

    /// <summary>Reads the config.json of a <c>CLIPTextModel</c> or <c>CLIPTextModelWithProjection</c>.</summary>
    /// <param name="path">The file.</param>
    /// <returns>A fault when the file is absent, malformed or describes another model.</returns>
    public static Result<ClipTextConfig> Read(string path) => ConfigFields.Read(path, ["CLIPTextModel", WithProjection], From);

    private static ClipTextConfig From(ConfigFields fields) =>
        From(fields, fields.Architecture == WithProjection ? fields.Size("projection_dim", 512) : null);

    internal static ClipTextConfig From(ConfigFields fields, int? projection)
    {
        fields.Word("model_type", "clip_text_model");
        return new()
        {
            Transformer = ClipTransformerConfig.From(fields, width: 512, heads: 8),
            Vocabulary = fields.Size("vocab_size", 49408),
            Positions = fields.Size("max_position_embeddings", 77),
            EndToken = fields.Whole("eos_token_id", 49407),
            Projection = projection,
        };
    }
}
