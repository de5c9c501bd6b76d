using System.Text;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.Prompts.File;

/// <summary>Reads captions from a UTF-8 file: JSON lines when its name ends in <c>.jsonl</c>, otherwise one caption a line. Blank lines are skipped.</summary>
/// <param name="path">The full path.</param>
public sealed class FilePrompts(string path) : IPromptSource
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <inheritdoc/>
    public Result<IReadOnlyList<Prompt>> Read() => ReadBytes().Bind(Parse);

    /// <summary>Parses the content of a file.</summary>
    /// <returns>
    /// At least one prompt; LA4009 for bytes that are not UTF-8, LA4010 for a malformed line, LA4008 when there is no prompt, each with its line.
    /// </returns>
    public Result<IReadOnlyList<Prompt>> Parse(byte[] content)
    {
        ArgumentNullException.ThrowIfNull(content);
        List<Prompt> prompts = [];
        var number = 0;
        foreach (var range in Lines(content))
        {
            number++;
            if (!Line(content.AsSpan(range), number).TryGet(out var line, out var fault)) return Result.Fail<IReadOnlyList<Prompt>>(fault);
            if (string.IsNullOrWhiteSpace(line)) continue;
            var parsed = IsJson ? JsonPrompt.Parse(line, prompts.Count, new SourcePlace(path, number, 1)) : new Prompt(prompts.Count, line.Trim());
            if (!parsed.TryGet(out var prompt, out fault)) return Result.Fail<IReadOnlyList<Prompt>>(fault);
            prompts.Add(prompt);
        }
        return prompts.Count > 0
            ? prompts
            : Result.Fail<IReadOnlyList<Prompt>>(new Fault.Input(FaultCodes.NoPrompts, "the file holds no prompt", new SourcePlace(path)));
    }

    private bool IsJson => path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase);

    private Result<byte[]> ReadBytes()
    {
        try
        {
            return System.IO.File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.BadPromptFile, $"the prompt file cannot be read: {exception.Message}", new SourcePlace(path));
        }
    }

    private static IEnumerable<Range> Lines(byte[] content)
    {
        var start = content.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        while (start < content.Length)
        {
            var length = content.AsSpan(start).IndexOf((byte)'\n');
            var end = length < 0 ? content.Length : start + length;
            yield return start..end;
            start = end + 1;
        }
    }

    private Result<string> Line(ReadOnlySpan<byte> bytes, int number)
    {
        try
        {
            return Strict.GetString(bytes).TrimEnd('\r');
        }
        catch (DecoderFallbackException exception)
        {
            return new Fault.Input(FaultCodes.NotUtf8, "the line is not UTF-8", new SourcePlace(path, number, exception.Index + 1));
        }
    }
}
