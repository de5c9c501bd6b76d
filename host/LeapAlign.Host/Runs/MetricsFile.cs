using System.Text.Json;
using System.Text.Json.Serialization;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs;

/// <summary>
/// <c>metrics.jsonl</c>: one JSON object a line, of the kind <c>step</c> or <c>evaluation</c>. Two runs with the same seed on the same machine write the
/// same bytes apart from <c>timings</c>, which comes last on each line.
/// </summary>
internal sealed class MetricsFile : IRunObserver, IDisposable
{
    private readonly FileStream _file;

    private MetricsFile(FileStream file) => _file = file;

    public static Result<MetricsFile> Create(string path)
    {
        try
        {
            return new MetricsFile(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return RunFolder.CannotWrite(path, exception);
        }
    }

    public Result<Unit> Stepped(StepReport report) => Append(JsonSerializer.SerializeToUtf8Bytes(
        new StepLine(
            "step",
            report.Index + 1,
            report.Loss,
            report.Rewards,
            report.GradientNorm,
            report.Rate,
            report.Updates,
            report.Evaluations,
            report.GradientEvaluations,
            report.Measurements,
            report.Measurements.Choices,
            new StepTimings(report.Seconds, report.Stages)),
        MetricsJson.Default.StepLine));

    public Result<Unit> Evaluated(EvaluationReport report) => Append(JsonSerializer.SerializeToUtf8Bytes(
        new EvaluationLine(
            "evaluation",
            report.Step,
            report.Rewards,
            report.Tasks,
            report.Images,
            [.. report.Samples.Select(static sample => new SampleLine(sample.Caption, sample.Scores))],
            new EvaluationTimings(report.Seconds)),
        MetricsJson.Default.EvaluationLine));

    public void Dispose() => _file.Dispose();

    private Result<Unit> Append(byte[] line)
    {
        try
        {
            // One write for each line, so that a reader never sees half of one.
            _file.Write([.. line, (byte)'\n']);
            _file.Flush();
            return Unit.Value;
        }
        catch (IOException exception)
        {
            return RunFolder.CannotWrite(_file.Name, exception);
        }
    }
}

internal sealed record StepTimings(double Seconds, IReadOnlyDictionary<string, double> Stages);

internal sealed record EvaluationTimings(double Seconds);

internal sealed record StepLine(
    string Kind,
    int Step,
    double Loss,
    IReadOnlyDictionary<string, double> Rewards,
    double GradientNorm,
    double Rate,
    int Updates,
    double Evaluations,
    double GradientEvaluations,
    IReadOnlyDictionary<string, double> Measurements,
    IReadOnlyDictionary<string, IReadOnlyList<long>> Choices,
    StepTimings Timings);

internal sealed record EvaluationLine(
    string Kind,
    int Step,
    IReadOnlyDictionary<string, double> Rewards,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Tasks,
    int Images,
    IReadOnlyList<SampleLine> Samples,
    EvaluationTimings Timings);

/// <summary>One of the pictures that lie in <c>samples/step-####/</c>, in their order.</summary>
internal sealed record SampleLine(string Caption, IReadOnlyDictionary<string, double> Rewards);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(StepLine))]
[JsonSerializable(typeof(EvaluationLine))]
internal sealed partial class MetricsJson : JsonSerializerContext;
