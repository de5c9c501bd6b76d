using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Configuration;

/// <summary>Builds a tree and notes where each key begins; the reader of the platform gives either the tree or the places.</summary>
internal ref struct JsonTreeReader(string file, ReadOnlySpan<byte> text)
{
    private readonly ReadOnlySpan<byte> _text = text;
    private Utf8JsonReader _reader = new(text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });

    /// <summary>The place of every key that was read; of the root under the empty path.</summary>
    public Dictionary<string, SourcePlace> Places { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads the whole text.</summary>
    /// <returns>Whether it is JSON without repeated keys.</returns>
    public bool Read(out JsonNode? root, out Fault? fault)
    {
        root = null;
        fault = null;
        try
        {
            _reader.Read();
            Places[""] = Here("");
            root = Value("");
            // Anything but white space and comments behind the value is an error that only reading on finds.
            _reader.Read();
            return true;
        }
        catch (PlacedException placed)
        {
            fault = placed.Fault;
        }
        catch (JsonException malformed)
        {
            var place = new SourcePlace(file, (int)(malformed.LineNumber ?? 0) + 1, (int)(malformed.BytePositionInLine ?? 0) + 1);
            var wrong = JsonNesting.IsTooDeep(_text, lenient: true) ? JsonNesting.Words : $"is not JSON: {Sentence(malformed.Message)}";
            fault = new Fault.Configuration(FaultCodes.ConfigurationNotJson, $"the file {wrong}", place);
        }
        return false;
    }

    private JsonNode? Value(string key) => _reader.TokenType switch
    {
        JsonTokenType.StartObject => Object(key),
        JsonTokenType.StartArray => Array(key),
        JsonTokenType.String => JsonValue.Create(Text(key)),
        JsonTokenType.Number => Number(key),
        JsonTokenType.True => JsonValue.Create(true),
        JsonTokenType.False => JsonValue.Create(false),
        _ => null,
    };

    private JsonObject Object(string key)
    {
        var result = new JsonObject();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            var name = Text(key);
            var path = JsonSource.Join(key, name);
            var place = Here(path);
            if (result.ContainsKey(name))
            {
                throw Placed(FaultCodes.Duplicate, $"the key {Quoted.Words(name)} is there twice, first on line {Places[path].Line}", place);
            }
            Places[path] = place;
            _reader.Read();
            result.Add(name, Value(path));
        }
        return result;
    }

    private JsonArray Array(string key)
    {
        var result = new JsonArray();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            var path = JsonSource.Join(key, result.Count);
            Places[path] = Here(path);
            result.Add(Value(path));
        }
        return result;
    }

    private readonly string Text(string key)
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Placed(FaultCodes.ConfigurationNotJson, "the file is not JSON: a \\u escape is half of a surrogate pair", Here(key));
        }
    }

    private JsonValue Number(string key)
    {
        if (_reader.TryGetInt64(out var whole)) return JsonValue.Create(whole);
        var number = _reader.GetDouble();
        if (!double.IsFinite(number)) throw Placed(FaultCodes.OutOfRange, "the number is larger than any that can be computed with", Places.GetValueOrDefault(key) ?? Here(key));
        return JsonValue.Create(number);
    }

    private readonly SourcePlace Here(string key)
    {
        var before = _text[..(int)_reader.TokenStartIndex];
        var lineStart = before.LastIndexOf((byte)'\n') + 1;
        return new(file, before.Count((byte)'\n') + 1, Encoding.UTF8.GetCharCount(before[lineStart..]) + 1, key.Length == 0 ? null : key);
    }

    private static string Sentence(string message) =>
        (message.IndexOf(" LineNumber:", StringComparison.Ordinal) is var end and > 0 ? message[..end] : message).TrimEnd('.', ' ').ReplaceLineEndings(" ");

    private static PlacedException Placed(string code, string message, SourcePlace place) => new(new Fault.Configuration(code, message, place));

    // The recursion has no other way out; it never leaves this type.
    private sealed class PlacedException(Fault fault) : Exception
    {
        public Fault Fault { get; } = fault;
    }
}
