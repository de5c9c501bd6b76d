using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Metrics;

/// <summary>What <c>metrics.jsonl</c> tells of a run so far.</summary>
/// <param name="Steps">Its steps, in order.</param>
/// <param name="Evaluations">Its evaluations, in order.</param>
/// <param name="Warnings">Its warnings, in order.</param>
internal sealed record RunHistory(IReadOnlyList<StepLine> Steps, IReadOnlyList<EvaluationLine> Evaluations, IReadOnlyList<WarningLine> Warnings)
{
    /// <summary>The previews of its evaluations, in order.</summary>
    public IReadOnlyList<PreviewLine> Previews { get; init; } = [];

    /// <summary>A run that has not begun.</summary>
    public static RunHistory Empty { get; } = new([], [], []);

    /// <summary>Reads the file once.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">How much of it is read; all of it when null.</param>
    /// <returns><see cref="FaultCodes.RunNotReadable"/>, with the line, when one is not what a run writes.</returns>
    public static Result<RunHistory> Read(string path, long? bytes = null) => new MetricsReader(path).Read(bytes);
}
