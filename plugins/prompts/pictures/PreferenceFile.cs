using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Captions, each with a preferred and a rejected picture, in that order.</summary>
/// <param name="path">The full path of the JSON lines; pictures are relative to it.</param>
public sealed class PreferenceFile(string path) : IPromptSource
{
    /// <inheritdoc/>
    /// <returns>
    /// At least one prompt, each with the full paths of its two pictures; LA4010 for a file or a picture that is absent or a line that is malformed, LA4009 for
    /// bytes that are not UTF-8, LA4008 when there is no line.
    /// </returns>
    public Result<IReadOnlyList<Prompt>> Read() => JsonLines.Read(path, Parse);

    private Result<Prompt> Parse(JsonLine line, int id) =>
        from caption in line.Text("prompt")
        from preferred in Picture(line, "preferred")
        from rejected in Picture(line, "rejected")
        select new Prompt(id, caption, line.Json) { Pictures = [preferred, rejected] };

    private Result<string> Picture(JsonLine line, string key) =>
        line.Text(key).Bind(name => PictureFiles.Find(name, Path.GetDirectoryName(path)!, line.Place with { Key = key }));
}
