using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>Files of objects: JSON, JSON lines, tables with a header, and Parquet.</summary>
public static class PromptRows
{
    /// <summary>The formats that have fields.</summary>
    public static IReadOnlyList<PromptFormat> Formats { get; } = [PromptFormat.Json, PromptFormat.JsonLines, PromptFormat.Csv, PromptFormat.Tsv, PromptFormat.Parquet];

    /// <summary>Reads a file of rows as prompts.</summary>
    /// <param name="path">The full path; its ending says the format.</param>
    /// <param name="parse">From a row and the prompt's number to the prompt.</param>
    /// <returns>At least one prompt; LA4009, LA4010 and LA4008 as <see cref="Parse(string, PromptFormat, string, Func{PromptRow, int, Result{Prompt}})"/>.</returns>
    public static Result<IReadOnlyList<Prompt>> Read(string path, Func<PromptRow, int, Result<Prompt>> parse) =>
        from format in PromptFormats.Of(path, Formats)
        from content in PromptText.ReadBytes(path)
        from prompts in Parse(path, format, content, parse)
        select prompts;

    /// <summary>Reads rows as prompts.</summary>
    /// <param name="path">Of the file, for faults.</param>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="content">The bytes of the file.</param>
    /// <param name="parse">From a row and the prompt's number to the prompt.</param>
    /// <returns>At least one prompt; LA4009, LA4010 and LA4008 as <see cref="Parse(string, PromptFormat, string, Func{PromptRow, int, Result{Prompt}})"/>.</returns>
    public static Result<IReadOnlyList<Prompt>> Parse(string path, PromptFormat format, byte[] content, Func<PromptRow, int, Result<Prompt>> parse) => format == PromptFormat.Parquet
        ? Prompts(path, ParquetRows.Read(path, content), parse)
        : PromptText.Decode(path, content).Bind(text => Parse(path, format, text, parse));

    /// <summary>Reads rows as prompts.</summary>
    /// <param name="path">Of the file, for faults.</param>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="text">The text of the file.</param>
    /// <param name="parse">From a row and the prompt's number to the prompt.</param>
    /// <returns>At least one prompt; LA4010 for what is malformed, with its line, LA4008 when there is no row.</returns>
    public static Result<IReadOnlyList<Prompt>> Parse(string path, PromptFormat format, string text, Func<PromptRow, int, Result<Prompt>> parse)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Prompts(path, Rows(path, format, text), parse);
    }

    private static IEnumerable<Result<PromptRow>> Rows(string path, PromptFormat format, string text) => format switch
    {
        PromptFormat.Json => JsonRows.List(path, text),
        PromptFormat.JsonLines => JsonRows.Lines(path, text),
        _ => TableRows.Read(path, text, format == PromptFormat.Csv ? "," : "\t"),
    };

    private static Result<IReadOnlyList<Prompt>> Prompts(string path, IEnumerable<Result<PromptRow>> rows, Func<PromptRow, int, Result<Prompt>> parse) =>
        rows.Select((row, id) => row.Bind(found => parse(found, id))).All().Bind(prompts => OrNone(path, prompts));

    /// <summary>Prompts, at least one.</summary>
    /// <returns>LA4008 when there is none.</returns>
    public static Result<IReadOnlyList<Prompt>> OrNone(string path, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        return prompts.Count > 0 ? Result.Ok(prompts) : Result.Fail<IReadOnlyList<Prompt>>(new Fault.Input(FaultCodes.NoPrompts, "the file holds no prompt", new SourcePlace(path)));
    }
}
