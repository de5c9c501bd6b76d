using LeapAlign.Pipeline;

namespace LeapAlign.Prompts.Pictures;

/// <summary>Which files are pictures, and where they are.</summary>
internal static class PictureFiles
{
    private const string LatentsEnding = ".safetensors";

    private static readonly string[] s_endings = [".png", ".jpg", ".jpeg", ".webp"];

    /// <summary>The endings, for messages.</summary>
    public static string Endings { get; } = string.Join(", ", s_endings);

    /// <summary>The pictures of a folder, by name.</summary>
    public static Result<IReadOnlyList<string>> In(string folder)
    {
        try
        {
            return Result.Ok<IReadOnlyList<string>>([.. Directory.EnumerateFiles(folder).Where(IsPicture).Order(StringComparer.Ordinal)]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Result.Fail<IReadOnlyList<string>>(Malformed($"the folder of pictures cannot be read: {exception.Message}", new SourcePlace(folder)));
        }
    }

    /// <summary>The full path of a picture that a line names.</summary>
    /// <param name="name">Relative to the folder, or a full path.</param>
    /// <param name="folder">Where the line's file is.</param>
    /// <param name="place">The line and its key.</param>
    public static Result<string> Find(string name, string folder, SourcePlace place)
    {
        if (name.Contains('\0', StringComparison.Ordinal)) return Malformed("the path of the picture holds a zero character", place);
        var path = Path.GetFullPath(name, folder);
        if (!IsPicture(path)) return Malformed($"'{name}' is no picture; its name has to end in one of {Endings}", place);
        return File.Exists(path) ? path : Malformed($"the picture '{name}' does not exist in {folder}", place);
    }

    /// <summary>The full path of a picture that lies in a folder, or below it.</summary>
    /// <inheritdoc cref="Find"/>
    public static Result<string> FindInside(string name, string folder, SourcePlace place) =>
        IsOutside(name, folder) ? Malformed($"the picture '{name}' is not in {folder} or below it", place) : Find(name, folder, place);

    /// <summary>The full path of a file of latents that lies in a folder, or below it.</summary>
    /// <inheritdoc cref="Find"/>
    public static Result<string> FindLatentsInside(string name, string folder, SourcePlace place)
    {
        if (name.Contains('\0', StringComparison.Ordinal)) return Malformed("the path of the latents holds a zero character", place);
        if (IsOutside(name, folder)) return Malformed($"the file of latents '{name}' is not in {folder} or below it", place);
        var path = Path.GetFullPath(name, folder);
        if (!Path.GetExtension(path).Equals(LatentsEnding, StringComparison.OrdinalIgnoreCase)) return Malformed($"'{name}' is no file of latents; its name has to end in {LatentsEnding}", place);
        return File.Exists(path) ? path : Malformed($"the file of latents '{name}' does not exist in {folder}", place);
    }

    /// <summary>The fault of files that are absent or malformed.</summary>
    public static Fault.Input Malformed(string message, SourcePlace place) => new(FaultCodes.BadPromptFile, message, place);

    private static bool IsOutside(string name, string folder)
    {
        var inside = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + Path.DirectorySeparatorChar;
        return !name.Contains('\0', StringComparison.Ordinal) && !Path.GetFullPath(name, folder).StartsWith(inside, StringComparison.Ordinal);
    }

    private static bool IsPicture(string path) => s_endings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);
}
