using LeapAlign.Host.Commands;

namespace LeapAlign.Host.Scored;

/// <summary>Options of <c>score</c>.</summary>
/// <param name="Pictures">Files and folders, as the user named them; none takes those of <paramref name="Captions"/>.</param>
/// <param name="Caption">The caption of all; null where a file has them.</param>
/// <param name="Captions">The file of pictures and captions, as the user named it; null for none.</param>
internal sealed record ScoreOptions(IReadOnlyList<string> Pictures, string? Caption, string? Captions)
{
    /// <summary>Where the scores go as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <summary>Where the scores go as a table of comma-separated values; null for nowhere.</summary>
    public string? Csv { get; init; }

    /// <summary>The files that are written.</summary>
    public IEnumerable<string> Files => new[] { Json, Csv }.OfType<string>().Where(static path => path != OutputFile.StandardOutput);

    /// <summary>Whether standard output is for data alone.</summary>
    public bool TakesOutput => Json == OutputFile.StandardOutput || Csv == OutputFile.StandardOutput;
}
