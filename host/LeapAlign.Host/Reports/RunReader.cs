using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Reports;

/// <summary>Reads the files of a run folder; the run may be under way.</summary>
internal static class RunReader
{
    /// <summary>Reads runs, and gives those of the same name a number.</summary>
    public static Result<IReadOnlyList<RecordedRun>> Read(IEnumerable<string> folders) => folders.Select(static path => Read(RunFolder.At(path))).All().Map(Named);

    /// <summary>Reads one run.</summary>
    /// <returns>The run, or LA4013 when the folder, its metrics or its settings cannot be read.</returns>
    public static Result<RecordedRun> Read(RunFolder folder) => Read(folder, () => RunHistory.Read(folder.Metrics));

    /// <summary>The same with what the metrics tell, read by the caller.</summary>
    public static Result<RecordedRun> Read(RunFolder folder, Func<Result<RunHistory>> metrics) =>
        from settings in Parse(folder.Resolved, static text => JsonNode.Parse(text) as JsonObject ?? throw new JsonException("it is no JSON object"))
        from history in metrics()
        from record in File.Exists(folder.Record) ? Parse(folder.Record, static text => JsonSerializer.Deserialize(text, RunRecordJson.Default.RunRecord)) : Result.Ok<RunRecord?>(null)
        select new RecordedRun { Folder = folder, Name = folder.Name, Settings = settings, Steps = history.Steps, Evaluations = history.Evaluations, Previews = history.Previews, Record = Now(record, folder) };

    // Where the process and its witness were killed together, nobody was left to write it down.
    private static RunRecord? Now(RunRecord? record, RunFolder folder) =>
        record is { State: RunState.Running } && folder.IsLeft ? record with { State = RunState.Died, Fault = "the process of the run ended without a word" } : record;

    private static Result<T> Parse<T>(string path, Func<string, T> parse)
    {
        try
        {
            return parse(File.ReadAllText(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return RunFolder.CannotRead(path, exception);
        }
    }

    private static IReadOnlyList<RecordedRun> Named(IReadOnlyList<RecordedRun> runs)
    {
        var seen = new Dictionary<string, int>();
        return [.. runs.Select(run =>
        {
            var count = seen[run.Name] = seen.GetValueOrDefault(run.Name) + 1;
            return count == 1 ? run : run with { Name = $"{run.Name} ({count})" };
        })];
    }
}
