using System.Diagnostics;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Plugins;

namespace LeapAlign.Host.Telemetry.Schema;

/// <summary>Every span.</summary>
internal static class SpanSchema
{
    /// <summary>How the schema calls a span that a part starts itself.</summary>
    public static string OfParts => "a part's own";

    private const string Working = "step, evaluate";
    private static readonly string s_model = SourceNames.Of(PartKinds.Model);

    public static readonly SpanDefinition Command = new("command", SourceNames.Kernel, "", "A verb that works with a plan: train, generate, score, fit, profile.", Tags.Command, Tags.Error);

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

    public static readonly SpanDefinition Evaluate = new("evaluate", SourceNames.Kernel, "run", "One evaluation with averaged weights, or one preview of it.", Tags.Algorithm, Tags.Preview, Tags.Step, Tags.Images, Tags.EvaluationsSoFar, Tags.Error);

    public static readonly SpanDefinition Encode = new("encode", s_model, $"{Working}, roll", "Captions to conditioning, when samples are first needed.", Tags.Batch, Tags.Tokens, Tags.Error);

    public static readonly SpanDefinition Roll = new("roll", SourceNames.Of(PartKinds.Sampler), Working, "Steps from noise to latents. Each evaluation of the network without gradient is an event `velocity` on it.", Tags.Error);

    public static readonly SpanDefinition Velocity = new(
        "velocity",
        s_model,
        $"{Working}, roll, {OfParts}",
        "One evaluation of the network: where it is recorded for a backward outside a span of a part's own, or happens outside a roll; every one with `telemetry.evaluations` = `spans`.",
        Tags.Sigma,
        Tags.Gradient,
        Tags.Batch,
        Tags.Evaluations,
        Tags.Error);

    public static readonly SpanDefinition ReadPictures = new("read pictures", SourceNames.Kernel, Working, "Pictures that come with prompts, from their files.", Tags.Error);

    public static readonly SpanDefinition EncodePictures = new("encode pictures", s_model, Working, "These pictures to latents.", Tags.Error);

    public static readonly SpanDefinition Decode = new("decode", s_model, Working, "Latents to pictures.", Tags.Error);

    public static readonly SpanDefinition Score = new("score", SourceNames.Of(PartKinds.Reward), Working, "One reward's scores, of decoded pictures or of latents.", Tags.Reward, Tags.Error);

    public static readonly SpanDefinition Backward = new("backward", SourceNames.Kernel, "step", "Backward on one objective.", Tags.Error);

    public static readonly SpanDefinition Clip = new("clip", SourceNames.Kernel, "step", "The norm of the gradients, and its limit.", Tags.GradientNorm, Tags.Error);

    public static readonly SpanDefinition Wait = new("wait", SourceNames.Kernel, Working, "One of several processes waits for the others.", Tags.Error);

    public static readonly SpanDefinition Reduce = new("reduce", SourceNames.Kernel, "step", "Gradients of several processes are added up.", Tags.Error);

    public static readonly SpanDefinition Gather = new("gather", SourceNames.Kernel, "step", "Weights that one of several processes updated go to the others.", Tags.Error);

    public static readonly SpanDefinition Serve = new("serve", SourceNames.Kernel, "score", "A process that scores for others answers one of them.", Tags.Error);

    public static readonly SpanDefinition Update = new("update", SourceNames.Of(PartKinds.Optimizer), "step", "The optimizer changes the masters.", Tags.Error);

    public static readonly SpanDefinition Refresh = new("refresh", s_model, "step", "The changed masters are taken over into the network.", Tags.Error);

    public static readonly SpanDefinition Average = new("average", SourceNames.Kernel, "step", "The moving average of the weights.", Tags.Error);

    public static readonly SpanDefinition Copies = new("copies", SourceNames.Kernel, "step", "The lagged copies of the policy.", Tags.Error);

    public static readonly SpanDefinition Checkpoint = new(
        "checkpoint", SourceNames.Kernel, "run", "The run stands still for a checkpoint: the one before is waited for, and all states are copied.", Tags.Step, Tags.Error);

    public static readonly SpanDefinition WriteCheckpoint = new(
        "write checkpoint", SourceNames.Kernel, "checkpoint", "Metrics and copies go to the disk and older checkpoints away, beside the steps that follow.", Tags.Step, Tags.Size, Tags.Error);

    public static readonly SpanDefinition WriteShare = new("write share", SourceNames.Kernel, "checkpoint", "One of several processes writes its share of the states, beside the steps that follow.", Tags.Step, Tags.Size, Tags.Error);

    /// <summary>The spans that a plugin starts itself, as its plugin.json declares them.</summary>
    public static IEnumerable<SpanDefinition> Of(PluginManifest plugin) => plugin.Spans.Select(span => new SpanDefinition(
        span.Name, SourceNames.OfPlugin(plugin.Id), span.Inside, span.Summary, [.. span.Attributes.Select(static attribute => new AttributeDefinition(attribute.Name, attribute.Type, attribute.Summary))]));

    /// <summary>Whether a span is one that a part starts itself: from a plugin's source, and none of the host's.</summary>
    public static bool IsOfPart(Activity span) => span.Source.Name.StartsWith(SourceNames.Life, StringComparison.Ordinal) && !s_names.Contains(span.OperationName);

    /// <summary>The arrows of a plugin's life, by the state that they lead to.</summary>
    public static IReadOnlyList<SpanDefinition> Life { get; } =
        [.. new[] { "Verified", "Loaded", "Configured", "Composed", "Running", "Stopped", "Unloaded" }.Select(static state =>
            new SpanDefinition($"plugin.{state}", SourceNames.Life, "command", $"A plugin becomes {state}.", Tags.Plugin, Tags.Error))];

    /// <summary>Every span, in the order of a run.</summary>
    public static IReadOnlyList<SpanDefinition> All { get; } =
    [
        Command, .. Life, Run, Evaluate, Step, Encode, Roll, Velocity, ReadPictures, EncodePictures, Decode, Score, Backward, Clip, Wait, Reduce, Gather, Serve, Update, Refresh, Average, Copies, Checkpoint, WriteShare, WriteCheckpoint,
    ];

    /// <summary>Those of them that a run in one process does not have.</summary>
    public static IReadOnlyList<SpanDefinition> OfSeveralProcesses { get; } = [Wait, Reduce, Gather, Serve, WriteShare];

    private static readonly HashSet<string> s_names = [.. All.Select(static span => span.Name)];
}
