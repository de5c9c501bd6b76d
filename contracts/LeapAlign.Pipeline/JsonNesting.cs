using System.Text.Json;

namespace LeapAlign.Pipeline;

/// <summary>How deeply JSON may be nested. The reader of the platform says of JSON that is nested more deeply the same as of text that is no JSON at all.</summary>
public static class JsonNesting
{
    /// <summary>Levels of objects and lists within each other that are read.</summary>
    public const int Deepest = 64;

    /// <summary>What is wrong with such JSON, behind the word for it.</summary>
    public const string Words = "is JSON that is nested more than 64 levels deep, which is not read";

    /// <summary>Whether the first thing that is wrong with a text is that it is nested too deeply.</summary>
    /// <param name="json">A text that could not be read, in UTF-8.</param>
    /// <param name="lenient">Whether comments and trailing commas are allowed in it.</param>
    public static bool IsTooDeep(ReadOnlySpan<byte> json, bool lenient = false)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions
        {
            MaxDepth = int.MaxValue,
            CommentHandling = lenient ? JsonCommentHandling.Skip : JsonCommentHandling.Disallow,
            AllowTrailingCommas = lenient,
        });
        try
        {
            while (reader.Read())
            {
                // The depth of a beginning is that of what it stands in.
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= Deepest) return true;
            }
        }
        catch (JsonException)
        {
            // Something else is wrong with it, and comes first.
        }
        return false;
    }
}
