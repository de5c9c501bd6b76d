using System.Globalization;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Telemetry.Measures;

/// <summary>The log of a run, for whoever collects logs; the terminal has the progress display.</summary>
internal sealed partial class RunLog(ILogger logger) : IRunObserver
{
    /// <summary>The category.</summary>
    public const string Category = "LeapAlign.Run";

    public Result<Unit> Stepped(StepReport report)
    {
        Step(logger, report.Index + 1, report.Loss, report.GradientNorm, report.Seconds);
        return Unit.Value;
    }

    public Result<Unit> Evaluated(EvaluationReport report)
    {
        if (!logger.IsEnabled(LogLevel.Information)) return Unit.Value;
        Evaluation(logger, report.Step, Means(report), report.Images);
        foreach (var preview in report.Previews) Preview(logger, preview.Drawn!.Preview!, report.Step, Means(preview), preview.Images);
        return Unit.Value;
    }

    public Result<Unit> Checkpointed(CheckpointReport report)
    {
        Checkpoint(logger, report.Step, report.Bytes, report.StandstillSeconds, report.WriteSeconds);
        return Unit.Value;
    }

    /// <summary>The run begins.</summary>
    public void Begun(string folder, string algorithm, int steps) => Begin(logger, folder, algorithm, steps);

    /// <summary>Something the run can live with.</summary>
    public void Warned(Fault fault) => Warning(logger, fault.Code, fault.Message);

    /// <summary>What ended the command.</summary>
    public void Failed(Fault fault) => Failure(logger, fault.Code, fault.Message);

    private static string Means(EvaluationReport report) => string.Join(", ", report.Rewards.Select(static pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value:F4}")));

    [LoggerMessage(1, LogLevel.Information, "run {Folder}: {Steps} steps of {Algorithm}")]
    private static partial void Begin(ILogger logger, string folder, string algorithm, int steps);

    [LoggerMessage(2, LogLevel.Debug, "step {Step}: loss {Loss}, gradient norm {GradientNorm}, {Seconds} s")]
    private static partial void Step(ILogger logger, int step, double loss, double gradientNorm, double seconds);

    [LoggerMessage(3, LogLevel.Information, "evaluation after step {Step}: {Rewards} over {Images} pictures")]
    private static partial void Evaluation(ILogger logger, int step, string rewards, int images);

    [LoggerMessage(4, LogLevel.Warning, "{Code}: {Message}")]
    private static partial void Warning(ILogger logger, string code, string message);

    [LoggerMessage(5, LogLevel.Error, "{Code}: {Message}")]
    private static partial void Failure(ILogger logger, string code, string message);

    [LoggerMessage(6, LogLevel.Debug, "checkpoint of step {Step}: {Bytes} bytes, {Standstill} s of standstill, written in {Seconds} s")]
    private static partial void Checkpoint(ILogger logger, int step, long bytes, double standstill, double seconds);

    [LoggerMessage(7, LogLevel.Information, "preview {Name} after step {Step}: {Rewards} over {Images} pictures")]
    private static partial void Preview(ILogger logger, string name, int step, string rewards, int images);
}
