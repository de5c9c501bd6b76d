using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Scored;

/// <summary>A picture that is scored.</summary>
/// <param name="Name">As the user named it, or its folder or its file of captions.</param>
/// <param name="Path">Its full path.</param>
/// <param name="Prompt">What it is scored for.</param>
internal sealed record ScoredPicture(string Name, string Path, Prompt Prompt)
{
    /// <summary>The latents that its row names beside it; null for none.</summary>
    public RowLatents? Latents { get; init; }
}

/// <summary>Which pictures are scored for which captions. Whatever can be known of them before a reward is made is looked at.</summary>
internal static class ScoredPictures
{
    /// <summary>The pictures of a command line, all for one caption.</summary>
    public static Result<IReadOnlyList<ScoredPicture>> Of(IReadOnlyList<string> named, string caption)
    {
        var prompt = new Prompt(0, caption);
        return from files in Files(named)
               from pictures in Checked(files.Select(file => new ScoredPicture(file.Name, file.Path, prompt)))
               select pictures;
    }

    /// <summary>The pictures of a command line, each for its captions.</summary>
    /// <param name="named">The pictures; none takes those of all rows.</param>
    /// <param name="captions">The file of captions, as the user named it.</param>
    /// <param name="rows">What it holds. A picture that has several rows is scored for each.</param>
    public static Result<IReadOnlyList<ScoredPicture>> Of(IReadOnlyList<string> named, string captions, IReadOnlyList<Prompt> rows)
    {
        if (named.Count == 0) return Checked(rows.Select(row => new ScoredPicture(NameOf(row.Pictures[0], captions), row.Pictures[0], row) { Latents = RowLatents.Of(row, captions) }));
        var known = rows.ToLookup(static row => row.Pictures[0], StringComparer.Ordinal);
        return from files in Files(named)
               from _ in files.Where(file => !known.Contains(file.Path)).Select(file => Result.Fail<Unit>(WithoutCaption(file.Name, captions))).All()
               from pictures in Checked(files.SelectMany(file => known[file.Path].Select(row => new ScoredPicture(file.Name, file.Path, row) { Latents = RowLatents.Of(row, captions) })))
               select pictures;
    }

    private static Result<IReadOnlyList<(string Name, string Path)>> Files(IReadOnlyList<string> named) =>
        named.Select(In).All().Map(static files => (IReadOnlyList<(string, string)>)[.. files.SelectMany(static some => some)]);

    private static Result<IReadOnlyList<(string Name, string Path)>> In(string named)
    {
        if (!Directory.Exists(named)) return Result.Ok<IReadOnlyList<(string, string)>>([(named, Path.GetFullPath(named))]);
        try
        {
            (string, string)[] pictures = [.. Directory.EnumerateFiles(named).Where(PictureFile.IsNamed).Order(StringComparer.Ordinal).Select(static file => (file, Path.GetFullPath(file)))];
            return pictures.Length > 0
                ? pictures
                : Result.Fail<IReadOnlyList<(string, string)>>(new Fault.Input(FaultCodes.NoPrompts, $"the folder holds no picture ({PictureFile.Endings})", new SourcePlace(named)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Result.Fail<IReadOnlyList<(string, string)>>(new Fault.Input(FaultCodes.BadPromptFile, $"the folder of pictures cannot be read: {exception.Message}", new SourcePlace(named)));
        }
    }

    private static Result<IReadOnlyList<ScoredPicture>> Checked(IEnumerable<ScoredPicture> pictures) =>
        pictures.Select(static picture => PictureFile.Check(picture.Path, picture.Name).Map(_ => picture)).All();

    // As if the user had named it by way of the file of captions.
    private static string NameOf(string path, string captions) =>
        Path.Combine(Path.GetDirectoryName(captions) ?? "", Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(captions))!, path));

    private static Fault.Input WithoutCaption(string picture, string captions) =>
        new(FaultCodes.BadPromptFile, $"the picture '{picture}' has no caption: no row has it as its \"file\"", new SourcePlace(captions));
}
