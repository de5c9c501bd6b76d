namespace LeapAlign.Host.Telemetry.Schema;

/// <summary>Every metric.</summary>
internal static class MetricSchema
{
    public static readonly MetricDefinition Reward = new("leapalign.reward.mean", InstrumentKind.Gauge, "1", "The mean of a reward, before its offset and scale.", Tags.Reward, Tags.Phase, Tags.Preview);
    public static readonly MetricDefinition Loss = new("leapalign.loss", InstrumentKind.Gauge, "1", "The mean loss of a step's updates.");
    public static readonly MetricDefinition GradientNorm = new("leapalign.gradient.norm", InstrumentKind.Gauge, "1", "The mean gradient norm of a step's updates before clipping.");
    public static readonly MetricDefinition Clipped = new("leapalign.gradient.clip_fraction", InstrumentKind.Gauge, "1", "The share of a step's updates whose gradient was longer than `run.clipNorm`.");
    public static readonly MetricDefinition Rate = new("leapalign.learning_rate", InstrumentKind.Gauge, "1", "The learning rate of the last update.");
    public static readonly MetricDefinition Measured = new("leapalign.measurement.mean", InstrumentKind.Gauge, "1", "The mean of what the algorithm measured in a step.", Tags.Measurement);
    public static readonly MetricDefinition Steps = new("leapalign.step.count", InstrumentKind.Counter, "{step}", "Steps done.");
    public static readonly MetricDefinition Evaluations = new("leapalign.network.evaluations", InstrumentKind.Counter, "{evaluation}", "Network evaluations of a whole batch in steps, for each sample (F).", Tags.Gradient);
    public static readonly MetricDefinition EvaluationRate = new("leapalign.network.rate", InstrumentKind.Gauge, "{evaluation}/s", "Network evaluations for each sample in a second of a step: F per second.");
    public static readonly MetricDefinition StepDuration = new("leapalign.step.duration", InstrumentKind.Histogram, "s", "Seconds of a step.");
    public static readonly MetricDefinition StageDuration = new("leapalign.stage.duration", InstrumentKind.Histogram, "s", "Seconds of a step in one stage.", Tags.Stage);
    public static readonly MetricDefinition CheckpointSize = new("leapalign.checkpoint.size", InstrumentKind.Gauge, "By", "Bytes of the newest checkpoint.");
    public static readonly MetricDefinition CheckpointDuration = new("leapalign.checkpoint.duration", InstrumentKind.Histogram, "s", "Seconds of a checkpoint: `checkpoint`, for which the run stands still, and `write checkpoint`, beside its steps.", Tags.Operation);
    public static readonly MetricDefinition Tensors = new("leapalign.tensor.alive", InstrumentKind.Gauge, "{tensor}", "Tensors alive on the compute thread after a step.");
    public static readonly MetricDefinition Native = new("leapalign.native.memory", InstrumentKind.UpDownCounter, "By", "Bytes that the C allocator has handed out and not got back: tensors on the CPU are among them. Linux with glibc.");
    public static readonly MetricDefinition DeviceUsed = new("leapalign.device.memory", InstrumentKind.UpDownCounter, "By", "Bytes of the run's CUDA device that are in use, by all processes; absent on a CPU.");
    public static readonly MetricDefinition Resident = new("process.memory.usage", InstrumentKind.UpDownCounter, "By", "Resident memory of the process.");

    public static readonly MetricDefinition PartDuration = new("leapalign.part.duration", InstrumentKind.Histogram, "s", "Seconds of one call of a part, what it calls included.", Tags.Operation)
    {
        Meter = "LeapAlign.Plugins.<id>",
    };

    /// <summary>Every metric of the host and of the plugins' parts that a run on any device has.</summary>
    public static IReadOnlyList<MetricDefinition> OfEveryRun { get; } =
    [
        Reward, Loss, GradientNorm, Clipped, Rate, Measured, Steps, Evaluations, EvaluationRate, StepDuration, StageDuration, PartDuration, CheckpointSize, CheckpointDuration, Tensors, Native, Resident,
    ];

    /// <summary>Every metric of the host and of the plugins' parts.</summary>
    public static IReadOnlyList<MetricDefinition> All { get; } = [.. OfEveryRun, DeviceUsed];

    /// <summary>What the runtime itself measures, of which a run shows its collections.</summary>
    public static IReadOnlyList<MetricDefinition> Runtime { get; } =
    [
        new("dotnet.gc.collections", InstrumentKind.Counter, "{collection}", "Garbage collections, by generation.") { Meter = SourceNames.Runtime },
        new("dotnet.gc.pause.time", InstrumentKind.Counter, "s", "Time in which collections stopped the process.") { Meter = SourceNames.Runtime },
        new("dotnet.gc.heap.total_allocated", InstrumentKind.Counter, "By", "Bytes allocated on the managed heap.") { Meter = SourceNames.Runtime },
    ];
}
