using System.Text;
using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>Rows of JSON.</summary>
internal static class JsonRows
{
    private const string NoText = "a name in the object is not valid text";

    /// <summary>A caption or an object on each line. Blank lines are skipped.</summary>
    public static IEnumerable<Result<PromptRow>> Lines(string path, string text)
    {
        if (CaptionLines.Returns(path, text) is { } fault)
        {
            yield return Result.Fail<PromptRow>(fault);
            yield break;
        }
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line)) yield return Row(line.TrimEnd('\r'), new SourcePlace(path, number, 1), inLines: true);
        }
    }

    /// <summary>One list, of captions or objects.</summary>
    public static IReadOnlyList<Result<PromptRow>> List(string path, string text)
    {
        var content = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(content);
        List<Result<PromptRow>> rows = [];
        try
        {
            if (string.IsNullOrWhiteSpace(text)) return rows;
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                rows.Add(Malformed.At<PromptRow>(
                    Place(path, content, (int)reader.TokenStartIndex), "expected a list, [\"a caption\", ...] or [{\"prompt\": \"a caption\"}, ...]; one object a line is read from a name that ends in .jsonl"));
                return rows;
            }
            var (line, counted) = (1, 0);
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                var start = (int)reader.TokenStartIndex;
                line += content.AsSpan(counted, start - counted).Count((byte)'\n');
                counted = start;
                reader.Skip();
                rows.Add(Row(Encoding.UTF8.GetString(content.AsSpan(start, (int)reader.BytesConsumed - start)), new SourcePlace(path, line, start - content.AsSpan(0, start).LastIndexOf((byte)'\n')), inLines: false));
            }
            reader.Read();
        }
        catch (JsonException exception)
        {
            // What stands before is good or bad in its own right.
            var wrong = JsonNesting.IsTooDeep(content) ? JsonNesting.Words : "is not JSON from here on";
            rows.Add(Malformed.At<PromptRow>(new SourcePlace(path, (int)(exception.LineNumber ?? 0) + 1, (int)(exception.BytePositionInLine ?? 0) + 1), $"the file {wrong}"));
        }
        return rows;
    }

    private static SourcePlace Place(string path, ReadOnlySpan<byte> content, int at) => new(path, content[..at].Count((byte)'\n') + 1, at - content[..at].LastIndexOf((byte)'\n'));

    /// <summary>One row.</summary>
    /// <param name="json">Its text.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="inLines">Whether it is a line.</param>
    public static Result<PromptRow> Row(string json, SourcePlace place, bool inLines)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = document.RootElement;
            return root.ValueKind switch
            {
                JsonValueKind.Object => new PromptRow(place, [.. root.EnumerateObject().Select(static property => Field(property.Name, property.Value))], json),
                JsonValueKind.String => Field("", root) is { Text: { } caption } ? new PromptRow(place, caption) : Malformed.At<PromptRow>(place, "the caption is not valid text"),
                JsonValueKind.Array when inLines => Malformed.At<PromptRow>(place, "expected an object or a caption, found a list; a JSON list is read from a name that ends in .json"),
                _ => Malformed.At<PromptRow>(place, $"expected an object or a caption, found {Name(root.ValueKind)}"),
            };
        }
        catch (JsonException) when (Repeated(json) is { } twice)
        {
            return Malformed.At<PromptRow>(place, twice);
        }
        catch (JsonException exception)
        {
            var column = (inLines ? 0 : place.Column - 1) + (int)(exception.BytePositionInLine ?? 0) + 1;
            if (JsonNesting.IsTooDeep(Encoding.UTF8.GetBytes(json))) return Malformed.At<PromptRow>(place with { Column = column }, $"the line {JsonNesting.Words}");
            var expected = json.AsSpan().TrimStart() is ['[', ..] ? "a list of several lines is read from a name that ends in .json" : "expected one whole object a line";
            return Malformed.At<PromptRow>(place with { Column = column }, $"the line is not JSON; {expected}");
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, written as an escape: looking for names that are there twice reads them all.
            return Malformed.At<PromptRow>(place, NoText);
        }
    }

    /// <summary>What is wrong with JSON that is rejected for its names alone; null when it is no JSON at all.</summary>
    private static string? Repeated(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var names = document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.EnumerateObject().Select(static property => property.Name) : [];
            return names.GroupBy(static name => name, StringComparer.Ordinal).FirstOrDefault(static group => group.Count() > 1) is { } twice
                ? $"the object has the key '{twice.Key}' twice"
                : "an object inside has a key twice";
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            return NoText;
        }
    }

    private static RowField Field(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
            return new RowField(name, null, Name(value.ValueKind)) { Number = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : null, IsNull = value.ValueKind == JsonValueKind.Null };
        try
        {
            return new RowField(name, value.GetString());
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, written as an escape, is JSON but not text.
            return new RowField(name, null, "not valid Unicode");
        }
    }

    private static string Name(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Null => "null",
        _ => "an object",
    };
}
