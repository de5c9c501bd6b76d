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
        var spans = new KernelSpans(plan);
        void Work(int times)
        {
            for (var time = 0; time < times; time++)
            {
                spans.OpenEvaluation(new NetworkCall(1, time % 2 == 0, 8, 0.5)).Close();
                spans.Open(SpanSchema.Roll.Name).Close();
                spans.OpenScore(plan.Rewards[0]).Close();
            }
        }

        // Twice: the first call makes what is made once, and the compiler takes its time.
        Work(Times);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Work(Times);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_step_that_nobody_measures_allocates_nothing()
    {
        using var measures = new KernelMeasures();
        var report = StepReports.Of(0);
        measures.Stepped(report);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var time = 0; time < Times; time++) measures.Stepped(report);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
