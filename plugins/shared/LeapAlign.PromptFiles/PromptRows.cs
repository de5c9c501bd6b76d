using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>Files of objects: JSON, JSON lines, and tables with a header.</summary>
public static class PromptRows
{
    /// <summary>The formats that have fields.</summary>
    public static IReadOnlyList<PromptFormat> Formats { get; } = [PromptFormat.Json, PromptFormat.JsonLines, PromptFormat.Csv, PromptFormat.Tsv];

    /// <summary>Reads a file of rows as prompts.</summary>
    /// <param name="path">The full path; its ending says the format.</param>
    /// <param name="parse">From a row and the prompt's number to the prompt.</param>
    /// <returns>At least one prompt; LA4009, LA4010 and LA4008 as <see cref="Parse"/>.</returns>
    public static Result<IReadOnlyList<Prompt>> Read(string path, Func<PromptRow, int, Result<Prompt>> parse) =>
        from format in PromptFormats.Of(path, Formats)
        from text in PromptText.Read(path)
        from prompts in Parse(path, format, text, parse)
        select prompts;

    /// <summary>Reads rows as prompts.</summary>
    /// <param name="path">Of the file, for faults.</param>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="text">The text of the file.</param>
    /// <param name="parse">From a row and the prompt's number to the prompt.</param>
    /// <returns>At least one prompt; LA4010 for what is malformed, with its line, LA4008 when there is no row.</returns>
    public static Result<IReadOnlyList<Prompt>> Parse(string path, PromptFormat format, string text, Func<PromptRow, int, Result<Prompt>> parse)
    {
        ArgumentNullException.ThrowIfNull(text);
        var rows = format switch
        {
            PromptFormat.Json => JsonRows.List(path, text),
            PromptFormat.JsonLines => JsonRows.Lines(path, text),
            _ => TableRows.Read(path, text, format == PromptFormat.Csv ? "," : "\t"),
        };
        return rows.Select((row, id) => row.Bind(found => parse(found, id))).All().Bind(prompts => OrNone(path, prompts));
    }

    /// <summary>Prompts, at least one.</summary>
    /// <returns>LA4008 when there is none.</returns>
    public static Result<IReadOnlyList<Prompt>> OrNone(string path, IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        return prompts.Count > 0 ? Result.Ok(prompts) : Result.Fail<IReadOnlyList<Prompt>>(new Fault.Input(FaultCodes.NoPrompts, "the file holds no prompt", new SourcePlace(path)));
    }
}
