using System.Collections.Concurrent;
using System.Diagnostics;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Processes that share a run, here threads: they end together, and are one trace.</summary>
public sealed class RankEndTests
{
    [Fact]
    public void A_fault_in_one_process_ends_all_with_it_between_steps()
    {
        var ended = ThreadedRanks.Run(2, communicator =>
        {
            var plan = InProcessRun.Plan(new RunSettings { Steps = 3, Batch = 2, Accumulation = 2 }).With(ScriptedRun.Algorithm(
                step => communicator.Rank == 1 && step.Index == 1 ? throw new InvalidOperationException("the part broke") : step.Average(batch => RankTests.Loss(batch)), []));
            using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, new RunRanks(communicator)));
            using var kernel = new RunKernel(plan, parts, CPU, []);
            return (Fault: kernel.Run(CancellationToken.None).Match<Fault?>(static _ => null, static fault => fault), kernel.Done);
        });
        Assert.All(ended, static each =>
        {
            Assert.Equal((FaultCodes.StepThrew, 1), (each.Fault?.Code, each.Fault?.Rank));
            Assert.Contains("the part broke", each.Fault!.Message, StringComparison.Ordinal);
            Assert.Equal(1, each.Done);
        });
    }

    [Fact]
    public void A_request_to_stop_one_process_stops_all_after_the_same_step()
    {
        var done = ThreadedRanks.Run(2, communicator =>
        {
            using var stop = new CancellationTokenSource();
            var plan = InProcessRun.Plan(new RunSettings { Steps = 5, Batch = 2, Accumulation = 2 }).With(ScriptedRun.Algorithm(
                step =>
                {
                    if (communicator.Rank == 1 && step.Index == 1) stop.Cancel();
                    return step.Average(batch => RankTests.Loss(batch));
                },
                []));
            using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, new RunRanks(communicator)));
            using var kernel = new RunKernel(plan, parts, CPU, []);
            return (Ending: Recording.Require(kernel.Run(stop.Token)), kernel.Done);
        });
        Assert.All(done, static each => Assert.Equal((RunEnding.Interrupted, 2), each));
    }

    [Fact]
    public void The_processes_of_a_run_are_one_trace_in_which_waiting_shows()
    {
        const long seed = 918_273_645;
        ConcurrentQueue<Activity> ended = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == KernelSpans.Source.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        ThreadedRanks.Run(2, static communicator =>
        {
            var plan = InProcessRun.Plan(new RunSettings { Steps = 1, Batch = 2, Accumulation = 2, Seed = seed }).With(ScriptedRun.Algorithm(static step => step.Average(RankTests.Loss), []));
            using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, new RunRanks(communicator)));
            using var kernel = new RunKernel(plan, parts, CPU, []);
            return Recording.Require(kernel.Run(CancellationToken.None));
        });
        // Other tests run beside this one.
        var runs = ended.Where(static span => span.OperationName == SpanSchema.Run.Name && span.GetTagItem(Tags.Seed.Name) is seed).ToList();
        var first = Assert.Single(runs, static span => span.ParentId is null);
        Assert.Equal(first.Id, Assert.Single(runs, static span => span.ParentId is not null).ParentId);
        var own = ended.Where(span => span.TraceId == first.TraceId).Select(static span => span.OperationName).ToList();
        Assert.Contains(SpanSchema.Wait.Name, own);
        Assert.Equal(2, own.Count(static name => name == SpanSchema.Reduce.Name));
    }
}
