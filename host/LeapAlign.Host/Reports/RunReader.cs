using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Host.Runs;
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
    public static Result<RecordedRun> Read(RunFolder folder) =>
        from settings in Parse(folder.Resolved, static text => JsonNode.Parse(text) as JsonObject ?? throw new JsonException("it is no JSON object"))
        from lines in Lines(folder.Metrics)
        from record in File.Exists(folder.Record) ? Parse(folder.Record, static text => JsonSerializer.Deserialize(text, RunRecordJson.Default.RunRecord)) : Result.Ok<RunRecord?>(null)
        select new RecordedRun { Folder = folder, Name = folder.Name, Settings = settings, Steps = lines.Steps, Evaluations = lines.Evaluations, Record = record };

    private static Result<(List<StepLine> Steps, List<EvaluationLine> Evaluations)> Lines(string path) => Guard(path, () =>
    {
        List<StepLine> steps = [];
        List<EvaluationLine> evaluations = [];
        var number = 0;
        foreach (var line in WholeLines(path))
        {
            number++;
            if (!Take(line, steps, evaluations)) throw new JsonException($"line {number} is neither a step nor an evaluation");
        }
        return (steps, evaluations);
    });

    // A run that was killed may have left half a line; it goes on behind it or not at all. Bytes, for the text of a long run would be twice as large.
    private static IEnumerable<ReadOnlyMemory<byte>> WholeLines(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        for (int start = 0, length; (length = bytes.AsSpan(start).IndexOf((byte)'\n')) >= 0; start += length + 1)
        {
            if (length > 0) yield return bytes.AsMemory(start, length);
        }
    }

    private static bool Take(ReadOnlyMemory<byte> line, List<StepLine> steps, List<EvaluationLine> evaluations)
    {
        using var document = JsonDocument.Parse(line);
        var kind = document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("kind", out var named) ? named.GetString() : null;
        switch (kind)
        {
            case "step":
                Put(steps, document.RootElement.Deserialize(MetricsJson.Default.StepLine)!, static step => step.Step);
                return true;
            case "evaluation":
                Put(evaluations, document.RootElement.Deserialize(MetricsJson.Default.EvaluationLine)!, static evaluation => evaluation.Step);
                return true;
            default:
                return false;
        }
    }

    // A run that was resumed from an earlier step has done this one anew; what follows it is of the run that was given up.
    private static void Put<T>(List<T> lines, T line, Func<T, int> step)
    {
        while (lines.Count > 0 && step(lines[^1]) >= step(line)) lines.RemoveAt(lines.Count - 1);
        lines.Add(line);
    }

    private static Result<T> Parse<T>(string path, Func<string, T> parse) => Guard(path, () => parse(File.ReadAllText(path)));

    private static Result<T> Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            var why = exception is FileNotFoundException or DirectoryNotFoundException ? "it is not there; a run folder holds plugins.resolved.json and metrics.jsonl" : exception.Message;
            return new Fault.Input(FaultCodes.RunNotReadable, $"the file of a run cannot be read: {why}", new SourcePlace(path));
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
