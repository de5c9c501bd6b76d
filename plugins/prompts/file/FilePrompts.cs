using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.PromptFiles;

namespace LeapAlign.Prompts.File;

/// <summary>Reads captions from a file, as the ending of its name says (docs/prompt-files.md).</summary>
/// <param name="path">The full path.</param>
/// <param name="key">The field or column of the caption; null for the one that is there of <c>prompt</c>, <c>caption</c> and <c>text</c>.</param>
public sealed class FilePrompts(string path, string? key = null) : IPromptSource
{
    /// <inheritdoc/>
    public Result<IReadOnlyList<Prompt>> Read() => Format.Bind(format => PromptText.ReadBytes(path).Bind(content => Parse(format, content)));

    /// <summary>Parses the content of a file.</summary>
    /// <returns>
    /// At least one prompt; LA4009 for bytes that are not UTF-8, LA4010 for a malformed line or an ending that is not read, LA4008 when there is no prompt, each with its line.
    /// </returns>
    public Result<IReadOnlyList<Prompt>> Parse(byte[] content) => Format.Bind(format => Parse(format, content));

    private Result<PromptFormat> Format => PromptFormats.Of(path, Enum.GetValues<PromptFormat>());

    private Result<IReadOnlyList<Prompt>> Parse(PromptFormat format, byte[] content)
    {
        if (format == PromptFormat.Text && key is not null)
            return Result.Fail<IReadOnlyList<Prompt>>(new Fault.Input(FaultCodes.BadPromptFile, $"a file of one caption a line has no fields, but the setting 'key' asks for '{key}'", new SourcePlace(path)));
        return format == PromptFormat.Text
            ? PromptText.Decode(path, content).Bind(text => CaptionLines.Read(path, text)).Bind(prompts => PromptRows.OrNone(path, prompts))
            : PromptRows.Parse(path, format, content, (row, id) => row.Prompt(id, key));
    }
}
