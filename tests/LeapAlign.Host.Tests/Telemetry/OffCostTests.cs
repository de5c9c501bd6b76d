using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Host.Telemetry.Schema;
using LeapAlign.Host.Telemetry.Spans;

namespace LeapAlign.Host.Tests.Telemetry;

/// <summary>Telemetry that nobody listens to.</summary>
[Collection(nameof(Listening))]
public sealed class OffCostTests
{
    private const int Times = 1000;

    [Fact]
    public void An_evaluation_and_a_stage_allocate_nothing()
    {
        using var workspace = new TestWorkspace().Write(TestWorkspace.Valid);
        var plan = workspace.Compose().Value();
        var (spans, reward) = (new KernelSpans(plan), plan.Rewards[0]);
        void Work(int times)
        {
            for (var time = 0; time < times; time++)
            {
                spans.OpenEvaluation(new NetworkCall(1, time % 2 == 0, 8, 0.5)).Close();
                spans.Open(SpanSchema.Roll.Name).Close();
                KernelSpans.OpenScore(reward).Close();
            }
        }

        Assert.Equal(0, Least(() => Work(Times)));
    }

    [Fact]
    public void A_step_that_nobody_measures_allocates_nothing()
    {
        using var measures = new KernelMeasures();
        var report = StepReports.Of(0);
        Assert.Equal(0, Least(() =>
        {
            for (var time = 0; time < Times; time++) measures.Stepped(report);
        }));
    }

    // The first round makes what is made once, and the compiler may swap code in any later one; what each call allocates is in all of them.
    private static long Least(Action round) => Enumerable.Range(0, 10).Min(_ =>
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        round();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });
}
