using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs;

/// <summary>What <c>metrics.jsonl</c> tells of a run so far.</summary>
/// <param name="Steps">Its steps, in order.</param>
/// <param name="Evaluations">Its evaluations, in order, without pictures.</param>
internal sealed record RunHistory(IReadOnlyList<StepLine> Steps, IReadOnlyList<EvaluationReport> Evaluations)
{
    /// <summary>A run that has not begun.</summary>
    public static RunHistory Empty { get; } = new([], []);

    /// <summary>Reads the file. A last line without its end, left by a process that was killed, is no line.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">How much of it is read; all of it when null.</param>
    /// <returns><see cref="FaultCodes.BadRunFolder"/>, with the line, when one is not what a run writes.</returns>
    public static Result<RunHistory> Read(string path, long? bytes = null)
    {
        var (steps, evaluations, number) = (new List<StepLine>(), new List<EvaluationReport>(), 0);
        try
        {
            var text = File.ReadAllBytes(path).AsSpan();
            if (bytes is { } length) text = text[..(int)Math.Min(length, text.Length)];
            text = text[..(text.LastIndexOf((byte)'\n') + 1)];
            foreach (var range in text.TrimEnd((byte)'\n').Split((byte)'\n'))
            {
                number++;
                var line = JsonNode.Parse(text[range])!;
                if ((string?)line["kind"] == "step") steps.Add(line.Deserialize(MetricsJson.Default.StepLine)!);
                else if ((string?)line["kind"] == "evaluation") evaluations.Add(Report(line.Deserialize(MetricsJson.Default.EvaluationLine)!));
            }
            return new RunHistory(steps, evaluations);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.BadRunFolder, $"it cannot be read: {exception.Message.Split('\n')[0]}", new SourcePlace(path, number, number > 0 ? 1 : 0));
        }
    }

    private static EvaluationReport Report(EvaluationLine line) => new()
    {
        Step = line.Step,
        Rewards = line.Rewards,
        Tasks = line.Tasks,
        Images = line.Images,
        Seconds = line.Timings.Seconds,
        Samples = [],
    };
}
