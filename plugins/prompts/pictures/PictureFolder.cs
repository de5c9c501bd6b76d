using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.PromptFiles;

namespace LeapAlign.Prompts.Pictures;

/// <summary>
/// A folder of pictures with captions. A <c>metadata.jsonl</c> or <c>metadata.csv</c> names the pictures in its order (Hugging Face's imagefolder); without one,
/// pictures come in the order of their names, each with its caption in a text file of the same name.
/// </summary>
/// <param name="folder">The full path.</param>
/// <param name="key">The field of the caption in the metadata; null for the one that is there of <c>prompt</c>, <c>caption</c> and <c>text</c>.</param>
public sealed class PictureFolder(string folder, string? key = null) : IPromptSource
{
    private static readonly string[] s_metadata = ["metadata.jsonl", "metadata.csv", "metadata.parquet"];

    /// <inheritdoc/>
    /// <returns>
    /// At least one prompt, each with the full path of its picture; LA4010 for a folder, a caption or a picture that is absent or a line that is malformed,
    /// LA4009 for bytes that are not UTF-8, LA4008 when there is no picture.
    /// </returns>
    public Result<IReadOnlyList<Prompt>> Read()
    {
        if (!Directory.Exists(folder)) return Result.Fail<IReadOnlyList<Prompt>>(PictureFiles.Malformed("the folder of pictures does not exist", new SourcePlace(folder)));
        return s_metadata.Where(name => File.Exists(Path.Combine(folder, name))).ToArray() switch
        {
            [] when key is not null => Result.Fail<IReadOnlyList<Prompt>>(PictureFiles.Malformed(
                $"the setting 'key' asks for the field '{key}', but the folder has no {string.Join(" or ", s_metadata)}", new SourcePlace(folder))),
            [] => ReadCaptions(),
            [var only] => PromptRows.Read(Path.Combine(folder, only), Parse),
            var several => Result.Fail<IReadOnlyList<Prompt>>(PictureFiles.Malformed($"the folder has {string.Join(" and ", several)}; expected one of them", new SourcePlace(folder))),
        };
    }

    private Result<Prompt> Parse(PromptRow row, int id) =>
        from name in row.Text("file_name")
        from prompt in row.Prompt(id, key)
        from picture in PictureFiles.Find(name, folder, row.Place with { Key = "file_name" })
        select prompt with { Pictures = [picture] };

    private Result<IReadOnlyList<Prompt>> ReadCaptions() =>
        PictureFiles.In(folder).Bind(pictures => pictures.Count == 0
            ? Result.Fail<IReadOnlyList<Prompt>>(new Fault.Input(FaultCodes.NoPrompts, $"the folder holds no picture ({PictureFiles.Endings})", new SourcePlace(folder)))
            : pictures.Select(WithCaption).All());

    private static Result<Prompt> WithCaption(string picture, int id)
    {
        var path = Path.ChangeExtension(picture, ".txt");
        if (!File.Exists(path))
        {
            return PictureFiles.Malformed(
                $"'{Path.GetFileName(picture)}' has no caption: there is neither a {s_metadata[0]} in its folder nor a '{Path.GetFileName(path)}'", new SourcePlace(picture));
        }
        return PromptText.Read(path).Bind(text => CaptionLines.Whole(path, text)).Map(caption => new Prompt(id, caption) { Pictures = [picture] });
    }
}
