using Google.Protobuf;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using SkiaSharp;
using Tensorboard;

namespace LeapAlign.Host.Runs.TensorBoard;

/// <summary>
/// The numbers of metrics.jsonl and the sample grids for TensorBoard, in <c>tensorboard/</c>. A tag is the path of the number in metrics.jsonl behind the kind of its
/// line: <c>step/rewards/judge</c>, <c>evaluation/tasks/judge/colors</c>. TensorBoard keeps numbers in single precision. It repeats what metrics.jsonl holds, so that what
/// cannot be written is a warning, once, and the run goes on.
/// </summary>
/// <param name="folder">The run folder.</param>
/// <param name="time">The clock.</param>
/// <param name="warn">Takes the warning.</param>
internal sealed class TensorBoardLog(RunFolder folder, TimeProvider time, Action<Fault> warn) : IRunObserver, IDisposable
{
    private bool _warned;
    private EventFile? _file;

    public Result<Unit> Stepped(StepReport report)
    {
        var scalars = new Summary();
        Add(scalars, "step/loss", report.Loss);
        Add(scalars, "step/rewards", report.Rewards);
        Add(scalars, "step/gradientNorm", report.GradientNorm);
        Add(scalars, "step/rate", report.Rate);
        Add(scalars, "step/updates", report.Updates);
        Add(scalars, "step/skipped", report.Skipped);
        Add(scalars, "step/evaluations", report.Evaluations);
        Add(scalars, "step/gradientEvaluations", report.GradientEvaluations);
        Add(scalars, "step/measurements", report.Measurements);
        Add(scalars, "step/timings/seconds", report.Seconds);
        Add(scalars, "step/timings/stages", report.Stages);
        return Append(report.Index + 1, scalars);
    }

    /// <summary>Takes the numbers, and the grids that are already in <c>samples/</c>.</summary>
    public Result<Unit> Evaluated(EvaluationReport report)
    {
        var scalars = new Summary();
        Add(scalars, "evaluation", report);
        foreach (var preview in report.Previews)
        {
            var tag = $"preview/{preview.Drawn!.Preview}";
            Add(scalars, tag, preview);
            Add(scalars, $"{tag}/evaluations", preview.Evaluations);
        }
        return Append(report.Step, scalars);
    }

    private void Add(Summary scalars, string tag, EvaluationReport report)
    {
        Add(scalars, $"{tag}/rewards", report.Rewards);
        foreach (var (reward, tasks) in report.Tasks) Add(scalars, $"{tag}/tasks/{reward}", tasks);
        Add(scalars, $"{tag}/measures", report.MeasureMeans);
        Add(scalars, $"{tag}/images", report.Images);
        Add(scalars, $"{tag}/timings/seconds", report.Seconds);
        if (report.Samples.Count > 0 && !AddGrid(scalars, $"{tag}/samples", folder.Sample(report.Step, report.Drawn?.Preview)).TryGet(out _, out var fault)) Lose(fault);
    }

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }

    private static void Add(Summary scalars, string tag, double value) => scalars.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });

    private static void Add(Summary scalars, string tag, IReadOnlyDictionary<string, double> values)
    {
        foreach (var (name, value) in values) Add(scalars, $"{tag}/{name}", value);
    }

    private static Result<Unit> AddGrid(Summary summary, string tag, string path)
    {
        try
        {
            var png = File.ReadAllBytes(path);
            var size = SKBitmap.DecodeBounds(png);
            summary.Value.Add(new Summary.Types.Value
            {
                Tag = tag,
                Image = new Summary.Types.Image { Width = size.Width, Height = size.Height, Colorspace = 3, EncodedImageString = ByteString.CopyFrom(png) },
            });
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"cannot be completed, since the grid cannot be read back: {exception.Message}", new SourcePlace(path));
        }
    }

    private Result<Unit> Append(long step, Summary summary)
    {
        // One that could not be written is begun again with the next step: half a record would hide all behind it.
        if (_file is null && !EventFile.Create(folder, step, time).TryGet(out _file, out var fault)) return Lose(fault);
        if (_file.Append(step, summary).TryGet(out _, out fault)) return Unit.Value;
        Dispose();
        return Lose(fault);
    }

    private Unit Lose(Fault fault)
    {
        if (!_warned) warn(new Fault.Run(FaultCodes.TelemetryNotKept, $"TensorBoard's copy of the numbers {fault.Message}; the run goes on, metrics.jsonl has them", fault.Place));
        _warned = true;
        return Unit.Value;
    }
}
