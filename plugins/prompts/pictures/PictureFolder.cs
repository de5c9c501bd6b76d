using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.Prompts.Pictures;

/// <summary>
/// A folder of pictures with captions. A <c>metadata.jsonl</c> names the pictures in its order (Hugging Face's imagefolder); without one, pictures come in the
/// order of their names, each with its caption in a text file of the same name.
/// </summary>
/// <param name="folder">The full path.</param>
public sealed class PictureFolder(string folder) : IPromptSource
{
    private const string Metadata = "metadata.jsonl";

    /// <inheritdoc/>
    /// <returns>
    /// At least one prompt, each with the full path of its picture; LA4010 for a folder, a caption or a picture that is absent or a line that is malformed,
    /// LA4009 for bytes that are not UTF-8, LA4008 when there is no picture.
    /// </returns>
    public Result<IReadOnlyList<Prompt>> Read()
    {
        if (!Directory.Exists(folder)) return Result.Fail<IReadOnlyList<Prompt>>(PictureFiles.Malformed("the folder of pictures does not exist", new SourcePlace(folder)));
        var metadata = Path.Combine(folder, Metadata);
        return File.Exists(metadata) ? JsonLines.Read(metadata, Parse) : ReadCaptions();
    }

    private Result<Prompt> Parse(JsonLine line, int id) =>
        from name in line.Text("file_name")
        from caption in line.Text("text", "prompt")
        from picture in PictureFiles.Find(name, folder, line.Place with { Key = "file_name" })
        select new Prompt(id, caption, line.Json) { Pictures = [picture] };

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
                $"'{Path.GetFileName(picture)}' has no caption: there is neither a {Metadata} in its folder nor a '{Path.GetFileName(path)}'", new SourcePlace(picture));
        }
        return TextFile.Read(path).Bind(text => text.Trim() is { Length: > 0 } caption
            ? new Prompt(id, caption) { Pictures = [picture] }
            : Result.Fail<Prompt>(PictureFiles.Malformed("the caption is empty", new SourcePlace(path))));
    }
}
