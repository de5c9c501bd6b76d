using System.Diagnostics.Metrics;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Telemetry.Measures;

/// <summary>The metrics of the kernel, from what it reports. Where nobody collects them, each is one comparison.</summary>
internal sealed class KernelMeasures : IRunObserver, IDisposable
{
    private readonly Meter _meter = new(SourceNames.Kernel);
    private readonly Gauge<double> _reward, _loss, _norm, _clipped, _rate, _measured, _evaluationRate, _checkpointSize, _tensors;
    private readonly Counter<double> _steps, _evaluations;
    private readonly Histogram<double> _step, _stage, _checkpoint;

    public KernelMeasures()
    {
        _reward = _meter.Gauge(MetricSchema.Reward);
        _loss = _meter.Gauge(MetricSchema.Loss);
        _norm = _meter.Gauge(MetricSchema.GradientNorm);
        _clipped = _meter.Gauge(MetricSchema.Clipped);
        _rate = _meter.Gauge(MetricSchema.Rate);
        _measured = _meter.Gauge(MetricSchema.Measured);
        _evaluationRate = _meter.Gauge(MetricSchema.EvaluationRate);
        _checkpointSize = _meter.Gauge(MetricSchema.CheckpointSize);
        _checkpoint = _meter.Histogram(MetricSchema.CheckpointDuration);
        _tensors = _meter.Gauge(MetricSchema.Tensors);
        _steps = _meter.Counter(MetricSchema.Steps);
        _evaluations = _meter.Counter(MetricSchema.Evaluations);
        _step = _meter.Histogram(MetricSchema.StepDuration);
        _stage = _meter.Histogram(MetricSchema.StageDuration);
        if (ProcessMemory.HasNative) _meter.Observed(MetricSchema.Native, static () => ProcessMemory.Native);
        _meter.Observed(MetricSchema.Resident, static () => Environment.WorkingSet);
    }

    /// <summary>The run computes on this device.</summary>
    public void On(Device device)
    {
        if (DeviceMemory.Of(device) is not null) _meter.Observed(MetricSchema.DeviceUsed, () => DeviceMemory.Of(device)?.Used ?? 0);
    }

    public Result<Unit> Stepped(StepReport report)
    {
        if (!_steps.Enabled) return Unit.Value;
        _steps.Add(1);
        _loss.Record(report.Loss);
        _norm.Record(report.GradientNorm);
        _clipped.Record(report.Clipped);
        _rate.Record(report.Rate);
        _step.Record(report.Seconds);
        _evaluations.Add(report.GradientEvaluations, Tag(Tags.Gradient, true));
        _evaluations.Add(report.Evaluations - report.GradientEvaluations, Tag(Tags.Gradient, false));
        _evaluationRate.Record(report.Evaluations / report.Seconds);
        _tensors.Record(DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        foreach (var (stage, seconds) in report.Stages) _stage.Record(seconds, Tag(Tags.Stage, stage));
        foreach (var (name, value) in report.Measurements) _measured.Record(value, Tag(Tags.Measurement, name));
        Rewards(report.Rewards, "train");
        return Unit.Value;
    }

    public Result<Unit> Evaluated(EvaluationReport report)
    {
        if (!_reward.Enabled) return Unit.Value;
        Rewards(report.Rewards, "evaluation");
        foreach (var preview in report.Previews) Rewards(preview.Rewards, "preview", Tag(Tags.Preview, preview.Drawn!.Preview!));
        return Unit.Value;
    }

    public Result<Unit> Checkpointed(CheckpointReport report)
    {
        if (!_checkpoint.Enabled) return Unit.Value;
        _checkpointSize.Record(report.Bytes);
        _checkpoint.Record(report.StandstillSeconds, Tag(Tags.Operation, SpanSchema.Checkpoint.Name));
        _checkpoint.Record(report.WriteSeconds, Tag(Tags.Operation, SpanSchema.WriteCheckpoint.Name));
        return Unit.Value;
    }

    public void Dispose() => _meter.Dispose();

    private void Rewards(IReadOnlyDictionary<string, double> means, string phase, params ReadOnlySpan<KeyValuePair<string, object?>> more)
    {
        foreach (var (name, mean) in means) _reward.Record(mean, [Tag(Tags.Reward, name), Tag(Tags.Phase, phase), .. more]);
    }

    private static KeyValuePair<string, object?> Tag(AttributeDefinition attribute, object value) => new(attribute.Name, value);
}
