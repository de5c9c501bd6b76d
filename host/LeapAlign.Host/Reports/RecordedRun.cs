using System.Text.Json.Nodes;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Runs.Records;

namespace LeapAlign.Host.Reports;

/// <summary>A run as its folder tells it.</summary>
internal sealed record RecordedRun
{
    public required RunFolder Folder { get; init; }

    /// <summary>What it is called in a report: the folder's name, with a number behind it when another run of the report has the same.</summary>
    public required string Name { get; init; }

    /// <summary>Its steps, in order.</summary>
    public required IReadOnlyList<StepLine> Steps { get; init; }

    /// <summary>Its evaluations, in order.</summary>
    public required IReadOnlyList<EvaluationLine> Evaluations { get; init; }

    /// <summary>The previews of its evaluations, in order.</summary>
    public IReadOnlyList<PreviewLine> Previews { get; init; } = [];

    /// <summary>plugins.resolved.json.</summary>
    public required JsonObject Settings { get; init; }

    /// <summary>run.json; null when the folder has none.</summary>
    public RunRecord? Record { get; init; }

    /// <summary>Samples of one step: a network evaluation in metrics.jsonl is one of a whole micro-batch, for each of them.</summary>
    public long SamplesPerStep => Number("batch", 1) * Accumulation;

    /// <summary>Micro-batches of one step.</summary>
    public long Accumulation => Number("accumulation", 1);

    /// <summary>Steps done.</summary>
    public int Done => Steps.Count == 0 ? 0 : Steps[^1].Step;

    /// <summary>Steps that were asked for.</summary>
    public long PlannedSteps => Number("steps", Steps.Count);

    private long Number(string key, long otherwise) => Settings["run"]?[key] is JsonValue value && value.TryGetValue<long>(out var number) ? number : otherwise;
}
