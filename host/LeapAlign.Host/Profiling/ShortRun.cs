using System.Runtime.CompilerServices;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Profiling;

/// <summary><c>profile</c>: steps of a plan without a run folder, an evaluation or an export, seen through the run's own spans.</summary>
internal sealed class ShortRun(Terminal terminal, ILoggerFactory loggers, RunTelemetry telemetry)
{
    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Run(RunPlan plan, int steps, CancellationToken stop) =>
        RunSite.Open(plan, loggers, terminal.Error, plan.Sizes, stop).Bind(site =>
        {
            using (site)
            {
                return RunParts.Create(plan, site.Context).Bind(parts =>
                {
                    using (parts) return Run(Short(plan, steps), parts, site, stop);
                });
            }
        });

    // Every evaluation is a span, so that it can be timed alone.
    private static RunPlan Short(RunPlan plan, int steps) => plan with
    {
        Run = plan.Run with { Steps = steps + 1 },
        Evaluation = plan.Evaluation with { Every = -1 },
        Telemetry = plan.Telemetry with { Evaluations = TelemetrySettings.AsSpans },
    };

    private Result<Completion> Run(RunPlan plan, RunParts parts, RunSite site, CancellationToken stop)
    {
        if (!parts.Check(plan).TryGet(out _, out var fault)) return fault;
        using var ledger = new SpanLedger(site.Device);
        try
        {
            telemetry.Device(site.Device);
            using var kernel = new RunKernel(plan, parts, site.Device, [ledger, .. telemetry.Observers]);
            if (QueuedWork.Of(site.Device) is { } queued) kernel.Stages.AddFirst(queued);
            return kernel.Run(stop).Map(ending =>
            {
                new ProfilePage(terminal, plan, ledger).Print();
                site.Warnings.Summarize();
                return ending == RunEnding.Interrupted ? Completion.Interrupted : Completion.Whole;
            });
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }
}
