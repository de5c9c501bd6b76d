using System.Text.Json;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Pins;

/// <summary>Where a value stands in a text, in bytes.</summary>
/// <param name="Previous">Where the value before it in the same object ends; -1 when it is the first.</param>
/// <param name="Name">Where its name begins; -1 in a list.</param>
/// <param name="Start">Where it begins.</param>
/// <param name="End">Where it ends.</param>
internal readonly record struct JsonSpan(int Previous, int Name, int Start, int End);

/// <summary>Where every value of a text stands, by its path, so that one can be changed and all others stay as their author wrote them.</summary>
internal sealed class JsonOutline
{
    private readonly Dictionary<string, JsonSpan> _spans = new(StringComparer.Ordinal);

    private JsonOutline()
    {
    }

    /// <summary>Reads a text that <see cref="JsonSource"/> has accepted, without its byte order mark.</summary>
    public static JsonOutline Of(ReadOnlySpan<byte> text)
    {
        var outline = new JsonOutline();
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        reader.Read();
        outline.Add(ref reader, "", name: -1, previous: -1);
        return outline;
    }

    /// <summary>The span of a path; null when nothing stands there.</summary>
    public JsonSpan? this[string key] => _spans.TryGetValue(key, out var span) ? span : null;

    private int Add(ref Utf8JsonReader reader, string key, int name, int previous)
    {
        var start = (int)reader.TokenStartIndex;
        var last = -1;
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var (at, path) = ((int)reader.TokenStartIndex, JsonSource.Join(key, reader.GetString()!));
                    reader.Read();
                    last = Add(ref reader, path, at, last);
                }
                break;
            case JsonTokenType.StartArray:
                for (var index = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; index++) last = Add(ref reader, JsonSource.Join(key, index), name: -1, last);
                break;
        }
        var end = (int)reader.BytesConsumed;
        _spans[key] = new(previous, name, start, end);
        return end;
    }
}
