using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>A token that is found in the text as it stands, before the text is cut into pieces.</summary>
/// <param name="Content">Its spelling, never empty.</param>
internal sealed record AddedToken(string Content)
{
    /// <summary>Whether it is looked for after normalisation, and normalised itself; otherwise in the text as written.</summary>
    public bool Normalized { get; init; }

    /// <summary>Whether it counts only where no letter or digit touches it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Whether it takes the space before it.</summary>
    public bool Left { get; init; }

    /// <summary>Whether it takes the space after it.</summary>
    public bool Right { get; init; }

    /// <summary>Whether a tokenizer that splits special tokens reads it as plain text.</summary>
    public bool Special { get; init; }

    /// <summary>A token that a file names by its spelling alone.</summary>
    public static AddedToken Named(string content) => new(content) { Special = true };

    /// <summary>Reads a token in one of its forms: a word, or an object with <c>content</c> and flags.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="key">Where in it, for messages.</param>
    /// <param name="element">The token.</param>
    /// <param name="special">Whether it is special where the file does not say so.</param>
    public static Result<AddedToken> Read(string path, string key, JsonElement element, bool special)
    {
        if (element.ValueKind == JsonValueKind.String && element.GetString() is { Length: > 0 } word) return new AddedToken(word) { Special = special, Normalized = !special };
        if (element.ValueKind != JsonValueKind.Object) return TokenizerFile.Bad(path, $"'{key}' is {element.GetRawText()}, but has to be a token", key);
        if (!element.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.String || content.GetString() is not { Length: > 0 } text)
            return TokenizerFile.Bad(path, $"a token of '{key}' has no content", key);
        foreach (var name in (string[])["single_word", "lstrip", "rstrip", "special"])
        {
            if (element.TryGetProperty(name, out var flag) && flag.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
                return TokenizerFile.Bad(path, $"'{name}' of '{key}' is {flag.GetRawText()}, but has to be true or false", key);
        }
        var isSpecial = Flag(element, "special") ?? special;
        return new AddedToken(text)
        {
            Special = isSpecial,
            Normalized = Flag(element, "normalized") ?? !isSpecial,
            SingleWord = Flag(element, "single_word") ?? false,
            Left = Flag(element, "lstrip") ?? false,
            Right = Flag(element, "rstrip") ?? false,
        };
    }

    private static bool? Flag(JsonElement element, string name) =>
        element.TryGetProperty(name, out var flag) && flag.ValueKind is JsonValueKind.True or JsonValueKind.False ? flag.GetBoolean() : null;
}
