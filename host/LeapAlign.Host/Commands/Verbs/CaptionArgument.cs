using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>A caption of the command line, which is held to what prompt files are held to (docs/prompt-files.md).</summary>
internal static class CaptionArgument
{
    private static readonly string[] s_promptFiles = [".txt", ".json", ".jsonl", ".ndjson", ".csv", ".tsv"];

    /// <summary>Why it is none; null for a caption.</summary>
    /// <param name="caption">What was given.</param>
    /// <param name="ofFile">What to write for the captions of a file.</param>
    public static string? Refusal(string caption, Func<string, string> ofFile)
    {
        if (string.IsNullOrWhiteSpace(caption)) return "a caption is empty";
        if (caption.Any(static letter => char.IsControl(letter) && letter is not ('\t' or '\n'))) return $"the caption {Quoted.Words(caption)} holds control characters";
        // What the runtime puts where an argument is not UTF-8.
        if (caption.Contains('\uFFFD', StringComparison.Ordinal)) return $"the caption {Quoted.Words(caption)} is not UTF-8, or holds U+FFFD, which stands for what could not be read";
        if (caption.AsSpan().IndexOfAny('\uFEFF', '\uFFFE') >= 0) return $"the caption {Quoted.Words(caption)} holds a byte order mark";
        return s_promptFiles.Contains(Path.GetExtension(caption), StringComparer.OrdinalIgnoreCase) && File.Exists(caption)
            ? $"{Quoted.Words(caption)} is a file, not a caption; the captions of a file: {ofFile(caption)}"
            : null;
    }
}
