using System.Diagnostics;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests.Telemetry;

/// <summary>The spans of a run, listened to inside the process.</summary>
public sealed class SpanTests : IDisposable
{
    private static readonly ActivitySource s_test = new("LeapAlign.Tests");

    private readonly List<Activity> _spans = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-spans-");
    private readonly ActivityListener _listener;
    private readonly Activity _root;

    public SpanTests()
    {
        // Other tests run kernels at the same time; their spans have other traces.
        ActivityTraceId? own = null;
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name.StartsWith("LeapAlign.", StringComparison.Ordinal),
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.TraceId == own) _spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(_listener);
        Activity.Current = null;
        _root = s_test.StartActivity("test")!;
        own = _root.TraceId;
    }

    [Fact]
    public void A_step_is_covered_by_its_children_and_its_rollout_tells_every_evaluation()
    {
        Run(new RunSettings { Steps = 3, Batch = 8 }, samplingSteps: 10);
        var steps = Named(SpanSchema.Step);
        Assert.Equal([1, 2, 3], steps.Select(static step => step.GetTagItem(Tags.Step.Name)));
        // In the first step the compiler makes the algorithm's own code, which no child shows.
        foreach (var step in steps.Skip(1))
        {
            var covered = Children(step).Sum(static child => child.Duration.TotalSeconds) / step.Duration.TotalSeconds;
            Assert.InRange(covered, 0.98, 1);
            var roll = Assert.Single(Children(step), static child => child.OperationName == SpanSchema.Roll.Name);
            var anchors = Children(roll).Where(static child => child.OperationName != SpanSchema.Encode.Name).ToList();
            Assert.Equal(["anchor k", "anchor j"], anchors.Select(static anchor => anchor.OperationName));
            foreach (var (anchor, letter) in anchors.Zip("kj"))
            {
                Assert.Equal(step.GetTagItem($"leapalign.measurement.{letter}"), (double)(int)anchor.GetTagItem("leapalign.schedule.step")!);
                Assert.True((bool)Assert.Single(anchor.Events).Tags.Single(static tag => tag.Key == Tags.Gradient.Name).Value!);
            }
            // N evaluations, two of them in the anchors.
            Assert.Equal(8, roll.Events.Count());
            Assert.All(roll.Events, happened => Assert.InRange(happened.Timestamp.UtcDateTime, roll.StartTimeUtc, roll.StartTimeUtc + roll.Duration));
        }
        Assert.Equal(30.0, Assert.Single(Named(SpanSchema.Run)).GetTagItem(Tags.EvaluationsSoFar.Name));
        Assert.Equal([10.0, 20.0, 30.0], steps.Select(static step => step.GetTagItem(Tags.EvaluationsSoFar.Name)));
    }

    [Fact]
    public void On_demand_each_evaluation_is_a_span()
    {
        Run(new RunSettings { Steps = 1, Batch = 2 }, samplingSteps: 4, telemetry: new TelemetrySettings { Evaluations = TelemetrySettings.AsSpans });
        var evaluations = Named(SpanSchema.Velocity);
        Assert.Equal(["anchor j", "anchor k", SpanSchema.Roll.Name, SpanSchema.Roll.Name], evaluations.Select(static span => span.Parent!.OperationName).Order(StringComparer.Ordinal));
        Assert.All(evaluations, static span => Assert.Equal(span.Parent!.OperationName != SpanSchema.Roll.Name, span.GetTagItem(Tags.Gradient.Name)));
        Assert.All(_spans, static span => Assert.Empty(span.Events));
        Assert.Equal(4, evaluations.Select(static span => span.GetTagItem(Tags.Sigma.Name)).OfType<double>().Distinct().Count());
    }

    [Fact]
    public void What_a_reward_throws_is_recorded_where_it_came_from_and_marks_the_spans_around_it()
    {
        var fault = Run(new RunSettings { Steps = 1, Batch = 2 }, samplingSteps: 4, rewards: ("broken", 1, 0, 1, new Broken()));
        Assert.Equal(FaultCodes.StepThrew, fault?.Code);
        var score = Assert.Single(Named(SpanSchema.Score));
        Assert.Equal("broken", score.GetTagItem(Tags.Reward.Name));
        var exception = Assert.Single(score.Events);
        Assert.Equal("exception", exception.Name);
        Assert.Equal(FaultCodes.StepThrew, exception.Tags.Single(static tag => tag.Key == Tags.Error.Name).Value);
        Assert.Contains("out of paint", (string)exception.Tags.Single(static tag => tag.Key == "exception.message").Value!, StringComparison.Ordinal);
        foreach (var definition in new[] { SpanSchema.Score, SpanSchema.Step, SpanSchema.Run })
        {
            var span = Assert.Single(Named(definition));
            Assert.Equal(ActivityStatusCode.Error, span.Status);
            Assert.Equal(FaultCodes.StepThrew, span.GetTagItem(Tags.Error.Name));
        }
        Assert.Equal(FaultCodes.StepThrew, Assert.Single(Assert.Single(Named(SpanSchema.Run)).Events).Tags.Single(static tag => tag.Key == "exception.type").Value);
        Assert.All(_spans.Where(static span => span.OperationName == SpanSchema.Roll.Name), static span => Assert.Equal(ActivityStatusCode.Unset, span.Status));
    }

    [Fact]
    public void A_checkpoint_lies_in_the_run_and_what_is_written_beside_it_in_the_checkpoint()
    {
        Run(new CheckpointStore(At("checkpoints")), steps: 3);
        var run = Assert.Single(Named(SpanSchema.Run));
        var checkpoints = Named(SpanSchema.Checkpoint);
        // One after every second step, and one at the end.
        Assert.Equal([2, 3], checkpoints.Select(static span => span.GetTagItem(Tags.Step.Name)));
        Assert.All(checkpoints, span => Assert.Equal(run.SpanId, span.ParentSpanId));
        foreach (var (written, checkpoint) in Named(SpanSchema.WriteCheckpoint).Zip(checkpoints))
        {
            Assert.Equal((checkpoint.SpanId, checkpoint.GetTagItem(Tags.Step.Name)), (written.ParentSpanId, written.GetTagItem(Tags.Step.Name)));
            var size = new CheckpointStore(At("checkpoints")).Open((int)written.GetTagItem(Tags.Step.Name)!).Match(static found => found.Bytes, static fault => throw new FaultException(fault));
            Assert.Equal(size, written.GetTagItem(Tags.Size.Name));
        }
    }

    [Fact]
    public void A_checkpoint_that_the_disk_refuses_marks_its_span()
    {
        File.WriteAllText(At("occupied"), "");
        var fault = Run(new CheckpointStore(At("occupied")), steps: 2);
        Assert.Equal(FaultCodes.CannotWrite, fault?.Code);
        var written = Assert.Single(Named(SpanSchema.WriteCheckpoint));
        Assert.Equal((ActivityStatusCode.Error, FaultCodes.CannotWrite), (written.Status, written.GetTagItem(Tags.Error.Name)));
    }

    public void Dispose()
    {
        _root.Dispose();
        _listener.Dispose();
        _folder.Delete(recursive: true);
    }

    private static Fault? Run(RunSettings run, int samplingSteps, TelemetrySettings? telemetry = null, params (string Name, double Weight, double Offset, double Scale, IReward Reward)[] rewards)
    {
        var plan = InProcessRun.Plan(run, samplingSteps: samplingSteps) with { Telemetry = telemetry ?? new() };
        if (rewards.Length > 0) plan = plan.With(rewards);
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        using var kernel = new RunKernel(plan, parts, CPU, []);
        return kernel.Run(CancellationToken.None).Match<Fault?>(static _ => null, static fault => fault);
    }

    private Fault? Run(CheckpointStore store, int steps)
    {
        var plan = InProcessRun.Plan(new RunSettings { Steps = steps, Batch = 2 }) with { Checkpoint = new CheckpointSettings { Every = 2 } };
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        using var metrics = Recording.Require(MetricsFile.Create(At("metrics.jsonl")));
        using var checkpoints = new RunCheckpoints((store, store), plan.Checkpoint, RunIdentity.Of(plan), metrics, TimeProvider.System);
        using var kernel = new RunKernel(plan, parts, CPU, [metrics], checkpoints);
        return kernel.Run(CancellationToken.None).Match<Fault?>(static _ => null, static fault => fault);
    }

    private string At(string file) => Path.Combine(_folder.FullName, file);

    private List<Activity> Named(SpanDefinition definition) => [.. _spans.Where(span => span.OperationName == definition.Name)];

    private List<Activity> Children(Activity parent) => [.. _spans.Where(span => span.ParentSpanId == parent.SpanId)];

    private sealed class Broken : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => throw new InvalidOperationException("out of paint");
    }
}
