using System.Text;
using LeapAlign.Adapters.Files;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;

namespace LeapAlign.Bench.Formats;

/// <summary><c>docs/formats.md</c>: every field of every file of other libraries that is read, and what is done with it, from the tables that the readers have.</summary>
internal static class FormatsPage
{
    private static readonly (FieldEffect Effect, string Words)[] Effects =
        [(FieldEffect.Honoured, "honoured"), (FieldEffect.RefusedUnless, "refused unless"), (FieldEffect.NoEffect, "no effect")];

    /// <summary>Every table, in the order of the page.</summary>
    public static IReadOnlyList<FileFormat> Formats { get; } = [.. PipelineFormats.All, LoraConfig.Format];

    /// <summary>Writes the page to a file.</summary>
    public static Result<Unit> Write(string path)
    {
        File.WriteAllText(path, Text());
        return Unit.Value;
    }

    /// <summary>The page, with line feeds.</summary>
    public static string Text()
    {
        var page = new StringBuilder(Part("opening"));
        foreach (var format in Formats)
        {
            page.Append($"\n## {Heading(format)}\n\nRead as {format.Reference} reads it.\n\n| field | | |\n|---|---|---|\n");
            foreach (var (effect, words) in Effects)
            {
                // Fields of which the same is to be said share a row.
                foreach (var row in format.Fields.Where(field => field.Effect == effect).GroupBy(static field => field.Note))
                    page.Append($"| {string.Join(", ", row.Select(static field => $"`{field.Name}`"))} | {words} | {Escaped(row.Key)} |\n");
            }
        }
        return page.Append('\n').Append(Part("closing")).ToString();
    }

    /// <summary>The heading of a file, with the class that reads it where several read files of that name.</summary>
    public static string Heading(FileFormat format) => Formats.Count(other => other.File == format.File) == 1 ? format.File : $"{format.File} of {format.Reference.Split(' ')[^1]}";

    // Names in angle brackets would be taken for HTML, and a bar for the end of the column.
    private static string Escaped(string note) => note.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "\\<", StringComparison.Ordinal);

    private static string Part(string name)
    {
        using var stream = typeof(FormatsPage).Assembly.GetManifestResourceStream($"formats-{name}.md")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
