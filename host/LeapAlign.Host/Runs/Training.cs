using System.Runtime.CompilerServices;
using System.Text;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Runs;

/// <summary>
/// <c>train</c>: makes the parts of a plan, then the run folder, lets the kernel run and exports what it trained. The folder is made last, so that a run
/// that cannot begin leaves nothing behind.
/// </summary>
internal sealed class Training(Terminal terminal, ILoggerFactory loggers, RunTelemetry telemetry) : ITraining
{
    // A frame of its own: once it has returned, nothing on the stack refers to a plugin's types.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Unit> Train(RunPlan plan, TrainOptions options, CancellationToken stop) =>
        RunSite.Open(plan, loggers, terminal.Error).Bind(site =>
        {
            using (site) return Train(plan, options, site, stop);
        });

    private Result<Unit> Train(RunPlan plan, TrainOptions options, RunSite site, CancellationToken stop)
    {
        if (!RunParts.Create(plan, site.Context).TryGet(out var parts, out var fault)) return fault;
        using (parts)
        {
            var shape = new RunShape(parts.Sampler.CreateSchedule(parts.Model.Scheduling), plan.Run.Batch, plan.Run.Accumulation, plan.Run.Group) { Sampler = parts.Sampler };
            if (!parts.Algorithm.Check(shape).TryGet(out _, out fault)) return fault;
            if (!RunFolder.Create(Path.GetFullPath(plan.Run.Folder, plan.BaseFolder), plan.Run.Name, options.Force).TryGet(out var folder, out fault)) return fault;
            if (!RunFolder.Write(folder.Resolved, Encoding.UTF8.GetBytes(plan.ResolvedJson)).TryGet(out _, out fault)) return fault;
            if (!MetricsFile.Create(folder.Metrics).TryGet(out var metrics, out fault)) return fault;
            using (metrics)
            {
                var progress = new ProgressDisplay(terminal.Console, plan.Run.Steps);
                telemetry.Folder(folder.Path);
                telemetry.Log.Begun(folder.Path, plan.Algorithm.Definition.Id, plan.Run.Steps);
                terminal.Write($"run {folder.Path}");
                try
                {
                    using var kernel = new RunKernel(plan, parts, site.Device, [metrics, new SampleGrid(folder), progress, .. telemetry.Observers]);
                    return from all in progress.Around(() => kernel.Run(stop))
                           from exported in kernel.Export(folder.Export, Dtype.Parse(plan.Export.Dtype))
                           select Report(folder, progress, kernel, site.Warnings);
                }
                catch (FaultException exception)
                {
                    return exception.Fault;
                }
            }
        }
    }

    private Unit Report(RunFolder folder, ProgressDisplay progress, RunKernel kernel, Warnings warnings)
    {
        progress.Summarize();
        warnings.Summarize();
        terminal.Write($"{kernel.Done} steps, {kernel.Clock.Evaluations:0.#} network evaluations");
        terminal.Write($"exported {folder.Export}");
        return Unit.Value;
    }
}
