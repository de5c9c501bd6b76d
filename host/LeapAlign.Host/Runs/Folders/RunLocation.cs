using LeapAlign.Host.Commands;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Folders;

/// <summary>Finds the run that a user means.</summary>
internal static class RunLocation
{
    /// <summary>The word for the run that was worked on last.</summary>
    public const string Latest = "latest";

    /// <summary>The folder of a run.</summary>
    /// <param name="which">Its path, or <see cref="Latest"/>.</param>
    /// <param name="source">Says which folder holds the runs.</param>
    /// <returns><see cref="FaultCodes.NoCheckpoint"/> when there is no such run.</returns>
    public static Result<RunFolder> Find(string which, CompositionSource source) =>
        which == Latest && !Directory.Exists(which) ? FindLatest(source) : RunFolder.Open(which);

    /// <summary>What a run was composed from, to compose it again.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="asked">What the user says: overrides come behind the run's own.</param>
    /// <param name="named">Whether the user names a file; otherwise it is the run's own.</param>
    public static Result<CompositionSource> SourceOf(RunFolder folder, CompositionSource asked, bool named) => RunOrigin.Read(folder).Map(origin => asked with
    {
        Config = named ? asked.Config : Path.GetRelativePath(Environment.CurrentDirectory, origin.ConfigIn(folder)),
        Set = [.. origin.Set, .. asked.Set],
    });

    private static Result<RunFolder> FindLatest(CompositionSource source) => source.Read().Bind(read =>
    {
        var parent = Path.GetFullPath((read.Said("run", "folder") as System.Text.Json.Nodes.JsonValue)?.TryGetValue(out string? named) == true ? named : "runs", source.Folder);
        var latest = Directory.Exists(parent)
            ? Directory.EnumerateDirectories(parent).Select(RunFolder.Open).Select(static run => run.Match(static found => found, static _ => null!)).OfType<RunFolder>().Where(static run => File.Exists(run.Origin))
                .OrderByDescending(static run => File.GetLastWriteTimeUtc(run.Metrics)).ThenBy(static run => run.Name, StringComparer.Ordinal).FirstOrDefault()
            : null;
        return latest ?? Result.Fail<RunFolder>(new Fault.Run(FaultCodes.NoCheckpoint, "there is no run in this folder", new SourcePlace(parent)));
    });
}
