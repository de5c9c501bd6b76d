using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>How a file of captions is written, which the ending of its name says.</summary>
public enum PromptFormat
{
    /// <summary>One caption a line.</summary>
    Text,

    /// <summary>A list of captions, or of objects.</summary>
    Json,

    /// <summary>A caption or an object on each line.</summary>
    JsonLines,

    /// <summary>A table with a header, with commas between columns.</summary>
    Csv,

    /// <summary>A table with a header, with tabs between columns.</summary>
    Tsv,

    /// <summary>A Parquet file.</summary>
    Parquet,
}

/// <summary>Endings of names.</summary>
public static class PromptFormats
{
    private static readonly (string Ending, PromptFormat Format)[] s_endings =
    [
        (".txt", PromptFormat.Text),
        (".json", PromptFormat.Json),
        (".jsonl", PromptFormat.JsonLines),
        (".ndjson", PromptFormat.JsonLines),
        (".csv", PromptFormat.Csv),
        (".tsv", PromptFormat.Tsv),
        (".parquet", PromptFormat.Parquet),
    ];

    /// <summary>The format that a name says. A name without an ending, such as that of a pipe, is text.</summary>
    /// <param name="path">The path.</param>
    /// <param name="among">The formats that are read here.</param>
    /// <returns>LA4010 that names the endings, when it is none of them.</returns>
    public static Result<PromptFormat> Of(string path, params IReadOnlyList<PromptFormat> among)
    {
        var ending = Path.GetExtension(path);
        if (ending.Length == 0) ending = ".txt";
        foreach (var (known, format) in s_endings)
        {
            if (known.Equals(ending, StringComparison.OrdinalIgnoreCase) && among.Contains(format)) return format;
        }
        var read = s_endings.Where(pair => among.Contains(pair.Format)).Select(static pair => pair.Ending);
        return Malformed.At<PromptFormat>(new SourcePlace(path), $"a name that ends in '{Path.GetExtension(path)}' is not read here; expected one of {string.Join(", ", read)}");
    }
}
