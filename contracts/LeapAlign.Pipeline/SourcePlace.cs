namespace LeapAlign.Pipeline;

/// <summary>Where in a user's file a fault lies.</summary>
/// <param name="File">The file, as the user named it, or a command-line option such as <c>--set</c>.</param>
/// <param name="Line">1-based line, or 0 when the file has no lines.</param>
/// <param name="Column">1-based column, or 0.</param>
/// <param name="Key">The path of the key, for instance <c>algorithm.settings.alpha</c>, or null.</param>
public sealed record SourcePlace(string File, int Line = 0, int Column = 0, string? Key = null)
{
    // Paths may be long; keys are what somebody wrote.
    private const int LongestFile = 1200;
    private const int LongestKey = 300;

    /// <summary><c>file(line,column) key</c>, leaving out what is unknown, on one line.</summary>
    public override string ToString()
    {
        var file = OneLine.Of(File, LongestFile);
        var position = Line > 0 ? $"{file}({Line},{Column})" : file;
        return Key is null ? position : $"{position} {OneLine.Of(Key, LongestKey)}";
    }
}
