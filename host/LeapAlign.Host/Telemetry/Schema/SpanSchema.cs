using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Host.Telemetry.Schema;

/// <summary>Every span.</summary>
internal static class SpanSchema
{
    private const string Working = "step, evaluate";
    private static readonly string s_model = SourceNames.Of(PartKinds.Model);

    public static readonly SpanDefinition Command = new("command", SourceNames.Kernel, "", "A verb that works with a plan: train, generate, profile.", Tags.Command, Tags.Error);

    public static readonly SpanDefinition Run = new(
        "run", SourceNames.Kernel, "command", "The run loop from the first evaluation to the last.", Tags.Algorithm, Tags.Model, Tags.Sampler, Tags.Seed, Tags.Steps, Tags.Batch, Tags.EvaluationsSoFar, Tags.Error);

    public static readonly SpanDefinition Step = new(
        "step",
        SourceNames.Kernel,
        "run",
        "One step of the run. Its children cover it.",
        Tags.Step,
        Tags.Algorithm,
        Tags.Seed,
        Tags.Batch,
        Tags.Evaluations,
        Tags.EvaluationsSoFar,
        Tags.Loss,
        Tags.GradientNorm,
        Tags.Rate,
        Tags.Measured,
        Tags.Error);

    public static readonly SpanDefinition Evaluate = new("evaluate", SourceNames.Kernel, "run", "One evaluation with averaged weights.", Tags.Algorithm, Tags.Step, Tags.Images, Tags.EvaluationsSoFar, Tags.Error);

    public static readonly SpanDefinition Encode = new("encode", s_model, $"{Working}, roll", "Captions to conditioning, when samples are first needed.", Tags.Batch, Tags.Tokens, Tags.Error);

    public static readonly SpanDefinition Roll = new("roll", SourceNames.Of(PartKinds.Sampler), Working, "Steps from noise to latents. Each evaluation of the network without gradient is an event `velocity` on it.", Tags.Error);

    public static readonly SpanDefinition AnchorK = new("anchor k", SourceNames.Of(PartKinds.Algorithm), "roll", "leapalign: the evaluation with gradient at the noisier anchor.", Tags.Anchor, Tags.Sigma);

    public static readonly SpanDefinition AnchorJ = new("anchor j", SourceNames.Of(PartKinds.Algorithm), "roll", "leapalign: the evaluation with gradient at the cleaner anchor.", Tags.Anchor, Tags.Sigma);

    public static readonly SpanDefinition Velocity = new(
        "velocity",
        s_model,
        $"{Working}, roll, anchor k, anchor j",
        "One evaluation of the network: where it is recorded for a backward outside an anchor, or happens outside a roll; every one with `telemetry.evaluations` = `spans`.",
        Tags.Sigma,
        Tags.Gradient,
        Tags.Batch,
        Tags.Evaluations,
        Tags.Error);

    public static readonly SpanDefinition ReadPictures = new("read pictures", SourceNames.Kernel, Working, "Pictures that come with prompts, from their files.", Tags.Error);

    public static readonly SpanDefinition EncodePictures = new("encode pictures", s_model, Working, "These pictures to latents.", Tags.Error);

    public static readonly SpanDefinition Decode = new("decode", s_model, Working, "Latents to pictures.", Tags.Error);

    public static readonly SpanDefinition Score = new("score", SourceNames.Of(PartKinds.Reward), Working, "One reward's scores of decoded pictures.", Tags.Reward, Tags.Error);

    public static readonly SpanDefinition Backward = new("backward", SourceNames.Kernel, "step", "Backward on one objective.", Tags.Error);

    public static readonly SpanDefinition Clip = new("clip", SourceNames.Kernel, "step", "The norm of the gradients, and its limit.", Tags.GradientNorm, Tags.Error);

    public static readonly SpanDefinition Update = new("update", SourceNames.Of(PartKinds.Optimizer), "step", "The optimizer changes the masters.", Tags.Error);

    public static readonly SpanDefinition Refresh = new("refresh", s_model, "step", "The changed masters are taken over into the network.", Tags.Error);

    public static readonly SpanDefinition Average = new("average", SourceNames.Kernel, "step", "The moving average of the weights.", Tags.Error);

    public static readonly SpanDefinition Copies = new("copies", SourceNames.Kernel, "step", "The lagged copies of the policy.", Tags.Error);

    public static readonly SpanDefinition Checkpoint = new(
        "checkpoint", SourceNames.Kernel, "run", "The run stands still for a checkpoint: the one before is waited for, and all states are copied.", Tags.Step, Tags.Error);

    public static readonly SpanDefinition WriteCheckpoint = new(
        "write checkpoint", SourceNames.Kernel, "checkpoint", "Metrics and copies go to the disk and older checkpoints away, beside the steps that follow.", Tags.Step, Tags.Size, Tags.Error);

    /// <summary>The arrows of a plugin's life, by the state that they lead to.</summary>
    public static IReadOnlyList<SpanDefinition> Life { get; } =
        [.. new[] { "Verified", "Loaded", "Configured", "Composed", "Running", "Stopped", "Unloaded" }.Select(static state =>
            new SpanDefinition($"plugin.{state}", SourceNames.Life, "command", $"A plugin becomes {state}.", Tags.Plugin, Tags.Error))];

    /// <summary>Every span, in the order of a run.</summary>
    public static IReadOnlyList<SpanDefinition> All { get; } =
    [
        Command, .. Life, Run, Evaluate, Step, Encode, Roll, AnchorK, AnchorJ, Velocity, ReadPictures, EncodePictures, Decode, Score, Backward, Clip, Update, Refresh, Average, Copies, Checkpoint, WriteCheckpoint,
    ];
}
