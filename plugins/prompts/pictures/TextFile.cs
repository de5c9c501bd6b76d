using System.Text;
using LeapAlign.Pipeline;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Strict UTF-8.</summary>
internal static class TextFile
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The text of a file, without a byte order mark.</summary>
    /// <returns>LA4010 when it cannot be read, LA4009 with its line when it is not UTF-8.</returns>
    public static Result<string> Read(string path)
    {
        try
        {
            var content = File.ReadAllBytes(path);
            return Decode(path, content.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? content.AsSpan(Encoding.UTF8.Preamble.Length) : content);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return PictureFiles.Malformed($"the file cannot be read: {exception.Message}", new SourcePlace(path));
        }
    }

    private static Result<string> Decode(string path, ReadOnlySpan<byte> content)
    {
        try
        {
            return s_strict.GetString(content);
        }
        catch (DecoderFallbackException exception)
        {
            var before = content[..Math.Clamp(exception.Index, 0, content.Length)];
            var (line, column) = (before.Count((byte)'\n') + 1, before.Length - before.LastIndexOf((byte)'\n'));
            return new Fault.Input(FaultCodes.NotUtf8, "the line is not UTF-8", new SourcePlace(path, line, column));
        }
    }
}
