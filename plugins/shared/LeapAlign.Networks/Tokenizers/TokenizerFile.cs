using System.Globalization;
using System.Text;
using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>Reads a tokenizer's files; whatever is wrong with them is <see cref="FaultCodes.BadTokenizer"/>.</summary>
internal static class TokenizerFile
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The fault of a file, or of a key in it.</summary>
    public static Fault Bad(string path, string message, string? key = null, int line = 0) =>
        new Fault.Input(FaultCodes.BadTokenizer, message, new SourcePlace(path, line, line > 0 ? 1 : 0, key));

    /// <summary>Reads a file's bytes.</summary>
    public static Result<byte[]> Bytes(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return Bad(path, $"this file of the tokenizer cannot be read: {absent.Message}");
        }
    }

    /// <summary>Reads a file's lines; it has to be UTF-8.</summary>
    public static Result<string[]> Lines(string path)
    {
        if (!Bytes(path).TryGet(out var bytes, out var fault)) return fault;
        try
        {
            return Strict.GetString(bytes).Split('\n');
        }
        catch (DecoderFallbackException malformed)
        {
            return Bad(path, "this is not UTF-8", line: 1 + bytes.AsSpan(0, malformed.Index).Count((byte)'\n'));
        }
    }

    /// <summary>Reads a JSON object and takes something from it.</summary>
    public static Result<T> Json<T>(string path, Func<JsonElement, Result<T>> take)
    {
        if (!Bytes(path).TryGet(out var bytes, out var fault)) return fault;
        try
        {
            using var document = JsonDocument.Parse(bytes);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return Bad(path, "this is not a JSON object");
            return take(document.RootElement);
        }
        catch (JsonException malformed)
        {
            return Bad(path, JsonNesting.IsTooDeep(bytes) ? $"this {JsonNesting.Words}" : "this is not JSON", line: (int)(malformed.LineNumber ?? 0) + 1);
        }
        catch (InvalidOperationException malformed)
        {
            // Escaped unpaired surrogates are valid JSON, but no string.
            return Bad(path, $"a string in it cannot be read: {malformed.Message}");
        }
    }

    /// <summary>An object's field of one kind.</summary>
    public static Result<JsonElement> Field(string path, JsonElement parent, string key, JsonValueKind kind) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(key, out var field) && field.ValueKind == kind
            ? field
            : Bad(path, $"'{key}' is missing or is no {kind}", key);

    /// <summary>Hands over a field that is true or false.</summary>
    public static Fault? Switch(string path, JsonProperty field, Action<bool> take)
    {
        if (field.Value.ValueKind is not (JsonValueKind.True or JsonValueKind.False)) return Bad(path, $"'{field.Name}' is {field.Value.GetRawText()}, but has to be true or false", field.Name);
        take(field.Value.GetBoolean());
        return null;
    }

    /// <summary>Hands over a field that counts something, up to a million.</summary>
    public static Fault? Count(string path, JsonProperty field, Action<int> take)
    {
        if (field.Value.ValueKind != JsonValueKind.Number || !field.Value.TryGetInt32(out var count) || count is < 0 or > 1_000_000)
            return Bad(path, $"'{field.Name}' is {field.Value.GetRawText()}, but has to be a whole number from 0 on", field.Name);
        take(count);
        return null;
    }

    /// <summary>Reads a whole number from 0 on that is written as a key.</summary>
    public static bool Number(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
