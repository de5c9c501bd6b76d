using LeapAlign.Networks.Configuration;
using LeapAlign.Networks.Formats;
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
    public static Result<ClipTextConfig> Read(string path) => Read(path, null);

    /// <param name="path">The file.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    /// <inheritdoc cref="Read(string)"/>
    public static Result<ClipTextConfig> Read(string path, Action<Fault>? warn) => ConfigFields.Read(path, ["CLIPTextModel", WithProjection], From, TextFormats.ClipText, warn);

    private static ClipTextConfig From(ConfigFields fields)
    {
        const string nested = "text_config";
        var isNested = fields.Properties.Any(static field => field.Name == nested);
        fields.Require(!isNested, nested, "is there, and the library reads every size from it and none from beside it; put what is in it in its place");
        if (fields.Architecture != WithProjection) return From(fields, null);
        fields.NotNull("projection_dim");
        return From(fields, fields.Size("projection_dim", 512));
    }

    internal static ClipTextConfig From(ConfigFields fields, int? projection)
    {
        fields.RequireCommon("clip_text_model");
        fields.NotNull("vocab_size", "max_position_embeddings", "eos_token_id", "is_causal");
        fields.Require(fields.Flag("is_causal", true), "is_causal", "is false, but positions of a text do not see later ones");
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
