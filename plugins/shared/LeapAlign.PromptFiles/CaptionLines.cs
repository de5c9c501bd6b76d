using System.Text.Json;
using System.Text.RegularExpressions;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>Text with one caption a line. Blank lines are skipped; everything else is a caption, or a fault where it plainly belongs to a file of another form.</summary>
public static partial class CaptionLines
{
    private const string Structured = "expected a caption. JSON is read from a name that ends in .json (a list) or .jsonl (one object a line)";

    /// <summary>Reads captions.</summary>
    /// <param name="path">Of the file, for faults.</param>
    /// <param name="text">Its text.</param>
    /// <returns>LA4010 with its line for what is no caption.</returns>
    public static Result<IReadOnlyList<Prompt>> Read(string path, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Returns(path, text) is { } fault) return Result.Fail<IReadOnlyList<Prompt>>(fault);
        List<Prompt> prompts = [];
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            var place = new SourcePlace(path, number, 1);
            if (!Check(line.Trim(), place, isFirst: prompts.Count == 0).TryGet(out var caption, out var wrong)) return Result.Fail<IReadOnlyList<Prompt>>(wrong);
            prompts.Add(new Prompt(prompts.Count, caption));
        }
        return prompts;
    }

    /// <summary>A caption that fills a file; it may have several lines.</summary>
    /// <param name="path">Of the file, for faults.</param>
    /// <param name="text">Its text.</param>
    /// <returns>LA4010 for what is no caption.</returns>
    public static Result<string> Whole(string path, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Returns(path, text) is { } fault) return Result.Fail<string>(fault);
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (Shape(line.Trim()) is { } shape) return Malformed.At<string>(new SourcePlace(path, number, 1), $"the line is {shape}; expected a caption");
        }
        return PromptText.Caption(text, new SourcePlace(path));
    }

    /// <summary>The fault of carriage returns that end no line.</summary>
    internal static Fault? Returns(string path, string text) => PromptText.LoneReturn(text) is not { } at ? null : Malformed.At(
        PromptText.Place(path, text.AsSpan(0, at)),
        text.Contains('\n', StringComparison.Ordinal)
            ? "the line holds a carriage return without a line feed"
            : "the lines of the file end with carriage returns alone; expected line feeds, or a carriage return and a line feed");

    private static Result<string> Check(string line, SourcePlace place, bool isFirst)
    {
        if (Shape(line) is { } shape) return Malformed.At<string>(place, $"the line is {shape}; {Structured}");
        if (line.Contains('\t', StringComparison.Ordinal)) return Malformed.At<string>(place, "the caption holds a tab; a table is read from a name that ends in .tsv");
        if (isFirst && Header().IsMatch(line)) return Malformed.At<string>(place, "the line is the header of a table; a table is read from a name that ends in .csv");
        return PromptText.Caption(line, place);
    }

    /// <summary>What a line is when it is a piece of JSON; null for a caption.</summary>
    private static string? Shape(string line) => line switch
    {
        ['[' or '{', ..] when Opening().IsMatch(line) || IsJson(line) => line[0] == '[' ? "a list of JSON or its beginning" : "an object of JSON or its beginning",
        [']' or '}', ..] when Closing().IsMatch(line) => "the end of a list or an object of JSON",
        ['"', ..] when Member().IsMatch(line) => "a key and a value of JSON",
        _ => null,
    };

    private static bool IsJson(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line.TrimEnd(','), new JsonDocumentOptions { AllowTrailingCommas = true });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Alone, or followed by what JSON (or Python's way of writing it) has there and a caption that begins with a bracket has not.
    [GeneratedRegex("""^(\[\s*(["'\]]|\{\s*["'}]|\{?\s*,?$)|\{\s*(["'}]|,?$))""", RegexOptions.CultureInvariant)]
    private static partial Regex Opening();

    [GeneratedRegex(@"^[\]}\s]+[,;]?[\[{\]}\s]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Closing();

    [GeneratedRegex("""^"[^"]*"\s*:""", RegexOptions.CultureInvariant)]
    private static partial Regex Member();

    // Without spaces: 'a prompt, on a desk' is a caption.
    [GeneratedRegex("""^(\S+[,;|])?"?(prompt|caption)s?"?([,;|]\S+)?$""", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Header();
}
