using System.Diagnostics;
using System.Text;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Telemetry.Spans;

/// <summary>The spans of a run and of its stages: which source starts each, and what it carries.</summary>
internal sealed class KernelSpans : IStageListener
{
    /// <summary>The kernel's source.</summary>
    public static ActivitySource Source { get; } = new(SourceNames.Kernel);

    private readonly Dictionary<string, (SpanDefinition Span, ActivitySource Source, PluginTelemetry? Part)> _stages;
    private readonly List<StageSpan> _open = [];
    private readonly RunPlan _plan;
    private readonly PluginTelemetry? _model;
    private readonly bool _everyEvaluation;

    public KernelSpans(RunPlan plan)
    {
        _plan = plan;
        _everyEvaluation = plan.Telemetry.Evaluations == TelemetrySettings.AsSpans;
        _model = Of(PartKinds.Model);
        (SpanDefinition Span, PluginTelemetry? Part)[] stages =
        [
            (SpanSchema.Encode, _model), (SpanSchema.Roll, Of(PartKinds.Sampler)), (SpanSchema.EncodePictures, _model), (SpanSchema.Decode, _model),
            (SpanSchema.Update, Of(PartKinds.Optimizer)), (SpanSchema.Refresh, _model), (SpanSchema.ReadPictures, null), (SpanSchema.Backward, null),
            (SpanSchema.Clip, null), (SpanSchema.Average, null), (SpanSchema.Copies, null), (SpanSchema.Wait, null), (SpanSchema.Reduce, null), (SpanSchema.Gather, null),
        ];
        _stages = stages.ToDictionary(static stage => stage.Span.Name, static stage => (stage.Span, stage.Part?.Spans ?? Source, stage.Part));

        // A plan of rewards alone has neither.
        PluginTelemetry? Of(string section) => plan.Sections.One(section)?.Plugin?.Telemetry;
    }

    /// <summary>A stage begins. One that the schema does not name, as the algorithm's own arithmetic, has no span.</summary>
    public StageSpan Open(string stage) => _stages.TryGetValue(stage, out var known) ? StageSpan.Of(known.Span, known.Source, known.Part) : default;

    /// <summary>A reward begins to score.</summary>
    public static StageSpan OpenScore(RewardPlan reward)
    {
        var part = reward.Part.Plugin?.Telemetry;
        var span = StageSpan.Of(SpanSchema.Score, part?.Spans ?? Source, part);
        span.Activity?.SetTag(Tags.Reward.Name, reward.Part.Name);
        return span;
    }

    /// <summary>
    /// The network is evaluated: an event on the roll, or on the span of the part's own, that needs it, which is all that an evaluation of milliseconds is worth; a span where it
    /// is recorded for a backward, where nothing is around it, or where the settings ask for one.
    /// </summary>
    public StageSpan OpenEvaluation(NetworkCall call)
    {
        var around = Activity.Current;
        if (!_everyEvaluation && around is not null && (SpanSchema.IsOfPart(around) || (!call.Gradient && around.OperationName == SpanSchema.Roll.Name)))
            return around.IsAllDataRequested ? StageSpan.EventOf(call, around, _model) : default;
        var span = StageSpan.Of(SpanSchema.Velocity, _model?.Spans ?? Source, _model);
        if (span.Activity is { IsAllDataRequested: true } activity)
        {
            activity.SetTag(Tags.Gradient.Name, call.Gradient).SetTag(Tags.Batch.Name, call.Batch).SetTag(Tags.Evaluations.Name, call.Evaluations);
            if (call.Sigma is { } sigma) activity.SetTag(Tags.Sigma.Name, sigma);
        }
        return span;
    }

    void IStageListener.Entered(in Stage stage) =>
        _open.Add(stage.Call is { } call ? OpenEvaluation(call) : stage.Reward is { } reward ? OpenScore(reward) : Open(stage.Name));

    void IStageListener.Left(in Stage? outer)
    {
        _open[^1].Close();
        _open.RemoveAt(_open.Count - 1);
    }

    void IStageListener.Noted(int depth, AttributeDefinition what, object? value) => _open[depth].Activity?.SetTag(what.Name, value);

    void IStageListener.Failed(int depth, Exception exception, bool innermost) => _open[depth].Fail(exception, innermost);

    /// <summary>Runs the loop in its span. Those of other processes lie in the span of the first, so that a run is one trace.</summary>
    public Result<RunEnding> Run(EvaluationLedger ledger, RunRanks ranks, Func<Result<RunEnding>> loop)
    {
        Activity? begun;
        try
        {
            begun = Started(ranks);
        }
        catch (FaultException exception) when (!ranks.IsAlone)
        {
            // Another process ended before the first step.
            return exception.Fault;
        }
        using var span = begun;
        var outcome = loop();
        if (span is null) return outcome;
        span.SetTag(Tags.Algorithm.Name, _plan.Algorithm.Definition.Id)
            .SetTag(Tags.Model.Name, _plan.Model.Definition.Id)
            .SetTag(Tags.Sampler.Name, _plan.Sampler.Definition.Id)
            .SetTag(Tags.Seed.Name, _plan.Run.Seed)
            .SetTag(Tags.Steps.Name, _plan.Run.Steps)
            .SetTag(Tags.Batch.Name, _plan.Run.Batch * _plan.Run.Accumulation)
            .SetTag(Tags.EvaluationsSoFar.Name, ledger.Evaluations);
        if (!outcome.TryGet(out _, out var fault)) span.Fail(fault);
        return outcome;
    }

    private static Activity? Started(RunRanks ranks)
    {
        if (ranks.IsAlone) return Source.StartActivity(SpanSchema.Run.Name);
        var first = ranks.Rank == 0 ? Source.StartActivity(SpanSchema.Run.Name) : null;
        var parent = Encoding.ASCII.GetString(ranks.OfFirst("the trace", () => Encoding.ASCII.GetBytes(first?.Id ?? "")));
        return ranks.Rank == 0 ? first : Source.StartActivity(SpanSchema.Run.Name, ActivityKind.Internal, parent.Length > 0 ? parent : null);
    }

    /// <summary>Runs a step in its span.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="stages">The stages of the step.</param>
    /// <param name="body">The step.</param>
    public StepReport Step(int index, OpenStages stages, Func<StepReport> body)
    {
        using var span = index % _plan.Telemetry.Every > 0 ? Hidden() : Source.StartActivity(SpanSchema.Step.Name);
        var report = Guarded(span, stages, body);
        if (span is not { IsAllDataRequested: true }) return report;
        span.SetTag(Tags.Step.Name, index + 1)
            .SetTag(Tags.Algorithm.Name, _plan.Algorithm.Definition.Id)
            .SetTag(Tags.Seed.Name, _plan.Run.Seed)
            .SetTag(Tags.Batch.Name, _plan.Run.Batch * _plan.Run.Accumulation)
            .SetTag(Tags.Evaluations.Name, report.Evaluations)
            .SetTag(Tags.EvaluationsSoFar.Name, stages.Ledger.Evaluations)
            .SetTag(Tags.Loss.Name, report.Loss)
            .SetTag(Tags.GradientNorm.Name, report.GradientNorm)
            .SetTag(Tags.Rate.Name, report.Rate);
        foreach (var (name, value) in report.Measurements) span.SetTag(Tags.Measured.Name.Replace("<name>", name, StringComparison.Ordinal), value);
        return report;
    }

    /// <summary>Runs an evaluation in its span.</summary>
    public EvaluationReport Evaluate(OpenStages stages, Func<EvaluationReport> body)
    {
        using var span = Source.StartActivity(SpanSchema.Evaluate.Name);
        var report = Guarded(span, stages, body);
        span?.SetTag(Tags.Algorithm.Name, _plan.Algorithm.Definition.Id).SetTag(Tags.Preview.Name, report.Drawn?.Preview).SetTag(Tags.Step.Name, report.Step).SetTag(Tags.Images.Name, report.Images).SetTag(Tags.EvaluationsSoFar.Name, stages.Ledger.Evaluations);
        return report;
    }

    /// <summary>Takes a checkpoint in its span.</summary>
    /// <param name="done">Steps done before it.</param>
    /// <param name="body">Copies the states, and begins to write.</param>
    public static Result<Unit> Checkpoint(int done, Func<Result<Unit>> body) => InSpan(SpanSchema.Checkpoint, done, body, static (_, _) => { });

    /// <summary>Writes a checkpoint in its span, on a thread beside the run.</summary>
    /// <param name="done">Steps done before it.</param>
    /// <param name="body">Writes.</param>
    /// <param name="taken">The span in which it was taken, where that is not the one around this.</param>
    public static Result<long> WriteCheckpoint(int done, Func<Result<long>> body, ActivityContext taken = default) => InSpan(SpanSchema.WriteCheckpoint, done, body, static (span, bytes) => span.SetTag(Tags.Size.Name, bytes), taken);

    /// <summary>Writes the share of one process in its span, on a thread beside the run.</summary>
    /// <param name="done">Steps done before the checkpoint.</param>
    /// <param name="body">Writes.</param>
    public static Result<long> WriteShare(int done, Func<Result<long>> body) => InSpan(SpanSchema.WriteShare, done, body, static (span, bytes) => span.SetTag(Tags.Size.Name, bytes));

    private static Result<T> InSpan<T>(SpanDefinition definition, int done, Func<Result<T>> body, Action<Activity, T> describe, ActivityContext parent = default)
    {
        using var span = Source.StartActivity(definition.Name, ActivityKind.Internal, parent)?.SetTag(Tags.Step.Name, done);
        var outcome = body();
        if (span is null) return outcome;
        if (outcome.TryGet(out var value, out var fault)) describe(span, value);
        else span.Fail(fault);
        return outcome;
    }

    // A parent that is not recorded: samplers drop what lies in it, the spans of plugins too.
    private static Activity? Hidden()
    {
        if (!Source.HasListeners()) return null;
        var hidden = new Activity(SpanSchema.Step.Name) { IsAllDataRequested = false }.Start();
        hidden.ActivityTraceFlags = ActivityTraceFlags.None;
        return hidden;
    }

    private static T Guarded<T>(Activity? span, OpenStages stages, Func<T> body)
    {
        try
        {
            return body();
        }
        catch (Exception exception) when (stages.Blames(exception) || (span is not null && exception is not OperationCanceledException))
        {
            // The stage that it came out of has recorded it; this only says that it ended the span.
            span!.Fail(Failures.CodeOf(exception), exception.Message);
            throw;
        }
    }
}
