using System.Text.Json;
using System.Text.Json.Serialization;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using Microsoft.Win32.SafeHandles;

namespace LeapAlign.Host.Runs.Metrics;

/// <summary>
/// <c>metrics.jsonl</c>: one JSON object a line, of the kind <c>step</c>, <c>evaluation</c>, <c>preview</c> or <c>warning</c>. Two runs with the same seed on the same machine write the
/// same bytes apart from <c>timings</c>, which comes last on each line.
/// </summary>
internal sealed class MetricsFile : IRunObserver, IDisposable
{
    // A handle and a length, and no stream: the thread that writes checkpoints flushes while the loop appends.
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private long _length;

    private MetricsFile(SafeFileHandle file, string path) => (_file, _path, _length) = (file, path, RandomAccess.GetLength(file));

    /// <summary>Begins a file.</summary>
    public static Result<MetricsFile> Create(string path) => Open(path, FileMode.CreateNew);

    /// <summary>Goes on with a file, from the line after which a checkpoint was taken: what was written later is written again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="bytes">Its length when the checkpoint was taken.</param>
    /// <returns><see cref="FaultCodes.RunNotReadable"/> when it is shorter.</returns>
    public static Result<MetricsFile> Resume(string path, long bytes) => Open(path, FileMode.Open).Bind(metrics => metrics.Cut(bytes));

    /// <summary>The open file.</summary>
    public SafeFileHandle Handle => _file;

    /// <summary>Its length in bytes, whole lines only.</summary>
    public long Length => Interlocked.Read(ref _length);

    /// <summary>Waits until everything written is on the disk. Any thread may call it.</summary>
    public Result<Unit> FlushToDisk()
    {
        try
        {
            RandomAccess.FlushToDisk(_file);
            return Unit.Value;
        }
        catch (Exception exception) when (RunFolder.IsRefusal(exception))
        {
            return RunFolder.CannotWrite(_path, exception);
        }
    }

    /// <summary>All lines, also when the file has no name any more.</summary>
    public Result<byte[]> Read()
    {
        try
        {
            var lines = new byte[Length];
            var read = 0;
            while (read < lines.Length && RandomAccess.Read(_file, lines.AsSpan(read), read) is var count and > 0) read += count;
            return read == lines.Length ? lines : new Fault.Input(FaultCodes.RunNotReadable, $"it has {read} bytes, but {lines.Length} were written", new SourcePlace(_path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return RunFolder.CannotRead(_path, exception);
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
            report.Skipped,
            report.Evaluations,
            report.GradientEvaluations,
            report.Measurements,
            report.Measurements.Choices,
            new StepTimings(report.Seconds, report.Stages) { Waited = report.Waited.Count > 0 ? report.Waited : null }),
        MetricsJson.Default.StepLine));

    // In one write: who goes on with the run has the evaluation with all of its previews, or draws all of them again.
    public Result<Unit> Evaluated(EvaluationReport report) => Append([.. Line(report), .. report.Previews.SelectMany(static preview => (byte[])[(byte)'\n', .. PreviewLine(preview)])]);

    public Result<Unit> Warned(int step, Fault fault) => Append(JsonSerializer.SerializeToUtf8Bytes(new WarningLine("warning", step, fault.Code, fault.Message), MetricsJson.Default.WarningLine));

    public void Dispose() => _file.Dispose();

    private static byte[] Line(EvaluationReport report) => JsonSerializer.SerializeToUtf8Bytes(
        new EvaluationLine("evaluation", report.Step, report.Rewards, report.Tasks, report.MeasureMeans, report.Images, Samples(report), new EvaluationTimings(report.Seconds)),
        MetricsJson.Default.EvaluationLine);

    private static byte[] PreviewLine(EvaluationReport report) => JsonSerializer.SerializeToUtf8Bytes(
        new PreviewLine(
            "preview",
            report.Step,
            report.Drawn!.Preview!,
            $"{report.Drawn.Size.Width}x{report.Drawn.Size.Height}",
            report.Drawn.Steps,
            report.Drawn.Guidance,
            report.Rewards,
            report.Tasks,
            report.MeasureMeans,
            report.Images,
            report.Evaluations,
            Samples(report),
            new EvaluationTimings(report.Seconds)),
        MetricsJson.Default.PreviewLine);

    private static IReadOnlyList<SampleLine> Samples(EvaluationReport report) => [.. report.Samples.Select(static sample => new SampleLine(sample.Caption, sample.Scores))];

    private static Result<MetricsFile> Open(string path, FileMode mode)
    {
        try
        {
            return new MetricsFile(File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.Read), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return RunFolder.CannotWrite(path, exception);
        }
    }

    private Result<MetricsFile> Cut(long bytes)
    {
        if (_length < bytes)
        {
            var fault = new Fault.Input(FaultCodes.RunNotReadable, $"it has {_length} bytes, but had {bytes} when the checkpoint was taken", new SourcePlace(_path));
            Dispose();
            return fault;
        }
        RandomAccess.SetLength(_file, bytes);
        _length = bytes;
        return this;
    }

    private Result<Unit> Append(byte[] line)
    {
        try
        {
            // One write for each line, so that a reader never sees half of one.
            RandomAccess.Write(_file, [.. line, (byte)'\n'], _length);
            Interlocked.Add(ref _length, line.Length + 1);
            return Unit.Value;
        }
        catch (Exception exception) when (RunFolder.IsRefusal(exception))
        {
            Shorten();
            return RunFolder.CannotWrite(_path, exception);
        }
    }

    // A disk that gets full takes half of a line.
    private void Shorten()
    {
        try
        {
            RandomAccess.SetLength(_file, _length);
        }
        catch (Exception exception) when (RunFolder.IsRefusal(exception))
        {
            // Who goes on with the run cuts it.
        }
    }
}

internal sealed record StepTimings(double Seconds, IReadOnlyDictionary<string, double> Stages)
{
    /// <summary>Seconds for which each process of the run waited for the others, by rank; null in a run of one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double>? Waited { get; init; }
}

internal sealed record EvaluationTimings(double Seconds);

internal sealed record StepLine(
    string Kind,
    int Step,
    double Loss,
    IReadOnlyDictionary<string, double> Rewards,
    double GradientNorm,
    double Rate,
    int Updates,
    int Skipped,
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
    IReadOnlyDictionary<string, double> Measures,
    int Images,
    IReadOnlyList<SampleLine> Samples,
    EvaluationTimings Timings);

/// <summary>A preview of the evaluation whose line comes before. Whoever reads evaluations alone passes it over.</summary>
internal sealed record PreviewLine(
    string Kind,
    int Step,
    string Preview,
    string Size,
    int SamplingSteps,
    double Guidance,
    IReadOnlyDictionary<string, double> Rewards,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Tasks,
    IReadOnlyDictionary<string, double> Measures,
    int Images,
    double Evaluations,
    IReadOnlyList<SampleLine> Samples,
    EvaluationTimings Timings);

internal sealed record WarningLine(string Kind, int Step, string Code, string Message);

/// <summary>One of the pictures that lie in <c>samples/step-####/</c>, or in <c>samples/preview-&lt;name&gt;/step-####/</c>, in their order.</summary>
internal sealed record SampleLine(string Caption, IReadOnlyDictionary<string, double> Rewards);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(StepLine))]
[JsonSerializable(typeof(EvaluationLine))]
[JsonSerializable(typeof(PreviewLine))]
[JsonSerializable(typeof(WarningLine))]
internal sealed partial class MetricsJson : JsonSerializerContext;
