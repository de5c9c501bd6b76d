using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.PromptFiles;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Captions, each with its picture, wherever the pictures lie.</summary>
/// <param name="path">The full path of a file of rows (docs/prompt-files.md); pictures are relative to it.</param>
/// <param name="key">The field of the caption; null for the one that is there of <c>prompt</c>, <c>caption</c> and <c>text</c>.</param>
public sealed class CaptionedPictures(string path, string? key = null) : IPromptSource
{
    private const string Field = "file";

    /// <inheritdoc/>
    /// <returns>
    /// At least one prompt, each with the full path of its picture; LA4010 for a file or a picture that is absent or a row that is malformed, LA4009 for bytes that are
    /// not UTF-8, LA4008 when there is no row.
    /// </returns>
    public Result<IReadOnlyList<Prompt>> Read() => PromptRows.Read(path, Parse);

    private Result<Prompt> Parse(PromptRow row, int id) =>
        from name in row.Text(Field)
        from prompt in row.Prompt(id, key)
        from picture in PictureFiles.Find(name, Path.GetDirectoryName(path)!, row.Place with { Key = Field })
        select prompt with { Pictures = [picture] };
}
