using System.Text;
using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>The text of a file of captions: UTF-8, with or without its byte order mark, without characters that no text has.</summary>
public static class PromptText
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // UTF-32 before UTF-16: the little endian marks begin alike.
    private static readonly (byte[] Mark, string Name)[] s_marks =
    [
        ([0xFF, 0xFE, 0, 0], "UTF-32 (little endian)"),
        ([0, 0, 0xFE, 0xFF], "UTF-32 (big endian)"),
        ([0xFF, 0xFE], "UTF-16 (little endian)"),
        ([0xFE, 0xFF], "UTF-16 (big endian)"),
    ];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The full path.</param>
    /// <returns>What <see cref="Decode"/> returns; LA4010 when the file cannot be read.</returns>
    public static Result<string> Read(string path) => ReadBytes(path).Bind(content => Decode(path, content));

    /// <summary>The bytes of a file.</summary>
    /// <returns>LA4010 when the file cannot be read.</returns>
    public static Result<byte[]> ReadBytes(string path)
    {
        // The system says of a folder that access is denied, and of what has no end, such as /dev/zero, that there is no memory.
        if (Directory.Exists(path)) return Malformed.At<byte[]>(new SourcePlace(path), "it is a folder; expected a file of captions");
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (OutOfMemoryException)
        {
            return Malformed.At<byte[]>(new SourcePlace(path), "the file is larger than can be held");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Malformed.At<byte[]>(new SourcePlace(path), $"the file cannot be read: {exception.Message}");
        }
    }

    /// <summary>The text of bytes, without a byte order mark.</summary>
    /// <param name="path">Of the file, for faults.</param>
    /// <param name="content">Its bytes.</param>
    /// <returns>
    /// LA4009 for bytes that are not UTF-8; LA4010 for a character that no text has (NUL, control characters, a byte order mark in the middle). Each with its line, and with the name of
    /// the encoding where it is another.
    /// </returns>
    public static Result<string> Decode(string path, byte[] content)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (s_marks.FirstOrDefault(mark => content.AsSpan().StartsWith(mark.Mark)) is { Name: { } marked })
            return new Fault.Input(FaultCodes.NotUtf8, $"the file is {marked}; expected UTF-8", new SourcePlace(path, 1, 1));
        var body = content.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? content.AsSpan(Encoding.UTF8.Preamble.Length) : content;
        try
        {
            var text = s_strict.GetString(body);
            return Stranger(text) is { } at ? Malformed.At<string>(Place(path, text.AsSpan(0, at)), Describe(text[at], body)) : text;
        }
        catch (DecoderFallbackException exception)
        {
            var before = body[..Math.Clamp(exception.Index, 0, body.Length)];
            return new Fault.Input(FaultCodes.NotUtf8, "the line is not UTF-8", new SourcePlace(path, before.Count((byte)'\n') + 1, before.Length - before.LastIndexOf((byte)'\n')));
        }
    }

    /// <summary>A caption, trimmed.</summary>
    /// <param name="written">As the file has it. Line feeds and tabs inside are kept.</param>
    /// <param name="place">Where.</param>
    /// <returns>LA4010 when it is blank, or holds a character that no text has (an escape of JSON can write one).</returns>
    public static Result<string> Caption(string written, SourcePlace place)
    {
        ArgumentNullException.ThrowIfNull(written);
        ArgumentNullException.ThrowIfNull(place);
        var caption = written.Trim();
        if (caption.Length == 0) return Malformed.At<string>(place, $"{(place.Key is { } key ? $"'{key}'" : "the caption")} is empty");
        if (Stranger(caption) is { } at) return Malformed.At<string>(place, $"the caption holds {Name(caption[at])}");
        return LoneReturn(caption) is null ? caption : Malformed.At<string>(place, "the caption holds a carriage return without a line feed");
    }

    /// <summary>The place after a piece of text.</summary>
    internal static SourcePlace Place(string path, ReadOnlySpan<char> before) => new(path, before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'));

    /// <summary>Where a carriage return stands alone; null when each belongs to a line feed.</summary>
    internal static int? LoneReturn(ReadOnlySpan<char> text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] == '\r' && (at + 1 == text.Length || text[at + 1] != '\n')) return at;
        }
        return null;
    }

    private static int? Stranger(string text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] is '\uFEFF' or '\uFFFE' || (char.IsControl(text[at]) && text[at] is not ('\t' or '\n' or '\r'))) return at;
        }
        return null;
    }

    private static string Name(char character) => character switch
    {
        '\0' => "a NUL character",
        '\uFEFF' or '\uFFFE' => "a byte order mark in the middle",
        _ => $"the control character U+{(int)character:X4}",
    };

    private static string Describe(char character, ReadOnlySpan<byte> content) => character == '\0' && Encoded(content) is { } encoding
        ? $"the file is {encoding} without a byte order mark; expected UTF-8"
        : $"the file holds {Name(character)}; expected text";

    // Latin text in an encoding of two or four bytes a character has its zeros at the same place of each.
    private static string? Encoded(ReadOnlySpan<byte> content)
    {
        Span<int> zeros = stackalloc int[4];
        for (var at = 0; at < content.Length; at++)
        {
            if (content[at] == 0) zeros[at % 4]++;
        }
        var (quarter, third) = (content.Length / 4, content.Length / 6);
        if (content.Length % 4 == 0 && zeros[2] >= quarter && zeros[3] >= quarter) return "UTF-32 (little endian)";
        if (content.Length % 4 == 0 && zeros[0] >= quarter && zeros[1] >= quarter) return "UTF-32 (big endian)";
        var (even, odd) = (zeros[0] + zeros[2], zeros[1] + zeros[3]);
        if (content.Length % 2 == 0 && odd >= third && even * 10 <= odd) return "UTF-16 (little endian)";
        return content.Length % 2 == 0 && even >= third && odd * 10 <= even ? "UTF-16 (big endian)" : null;
    }
}
