using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Metrics;

/// <summary>What <c>metrics.jsonl</c> tells of a run so far.</summary>
/// <param name="Steps">Its steps, in order.</param>
/// <param name="Evaluations">Its evaluations, in order.</param>
/// <param name="Warnings">Its warnings, in order.</param>
internal sealed record RunHistory(IReadOnlyList<StepLine> Steps, IReadOnlyList<EvaluationLine> Evaluations, IReadOnlyList<WarningLine> Warnings)
{
    /// <summary>A run that has not begun.</summary>
    public static RunHistory Empty { get; } = new([], [], []);

    /// <summary>Reads the file. The run may be under way; a last line without its end, left by a process that was killed, is no line.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">How much of it is read; all of it when null.</param>
    /// <returns><see cref="FaultCodes.RunNotReadable"/>, with the line, when one is not what a run writes.</returns>
    public static Result<RunHistory> Read(string path, long? bytes = null)
    {
        var number = 0;
        try
        {
            var (steps, evaluations, warnings) = (new List<StepLine>(), new List<EvaluationLine>(), new List<WarningLine>());
            foreach (var text in WholeLines(path, bytes))
            {
                number++;
                var line = JsonNode.Parse(text.Span) as JsonObject;
                switch ((string?)line?["kind"])
                {
                    case "step":
                        steps.Add(line.Deserialize(MetricsJson.Default.StepLine)!);
                        break;
                    case "evaluation":
                        evaluations.Add(line.Deserialize(MetricsJson.Default.EvaluationLine)!);
                        break;
                    case "warning":
                        warnings.Add(line.Deserialize(MetricsJson.Default.WarningLine)!);
                        break;
                    default:
                        throw new JsonException($"line {number} is neither a step nor an evaluation nor a warning");
                }
            }
            return new RunHistory(steps, evaluations, warnings);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return RunFolder.CannotRead(path, exception);
        }
    }

    // Bytes, because the text of a long run would be twice as large.
    private static IEnumerable<ReadOnlyMemory<byte>> WholeLines(string path, long? most)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[Math.Min(file.Length, most ?? long.MaxValue)];
        file.ReadExactly(bytes);
        for (int start = 0, length; (length = bytes.AsSpan(start).IndexOf((byte)'\n')) >= 0; start += length + 1)
        {
            if (length > 0) yield return bytes.AsMemory(start, length);
        }
    }
}
