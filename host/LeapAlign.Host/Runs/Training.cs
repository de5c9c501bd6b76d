using System.Runtime.CompilerServices;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Host.Runs.TensorBoard;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Runs;

/// <summary>
/// <c>train</c>: makes the parts of a plan, then the run folder, lets the kernel run and exports what it trained. The folder is made last, so that a run
/// that cannot begin leaves nothing behind.
/// </summary>
internal sealed class Training(Terminal terminal, ILoggerFactory loggers, RunTelemetry telemetry, TimeProvider time) : ITraining
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
        var identity = RunIdentity.Of(plan);
        return options.Resume is { } resume
            ? OpenRun.Resume(resume, identity, site.Warnings.Add).Bind(run =>
            {
                using (run) return WithParts(plan, site, parts => Train(new Job(plan, options, site, identity), parts, run, stop));
            })
            : WithParts(plan, site, parts => OpenRun.Begin(plan, options.Force).Bind(run =>
            {
                using (run) return Train(new Job(plan, options, site, identity), parts, run, stop);
            }));
    }

    private static Result<Unit> WithParts(RunPlan plan, RunSite site, Func<RunParts, Result<Unit>> action)
    {
        if (!RunParts.Create(plan, site.Context).TryGet(out var parts, out var fault)) return fault;
        using (parts) return parts.Check(plan).Bind(_ => action(parts));
    }

    private Result<Unit> Train(Job job, RunParts parts, OpenRun run, CancellationToken stop)
    {
        if (!run.History().TryGet(out var history, out var fault)) return fault;
        if (!run.Start(job.Plan, job.Options.Source).TryGet(out var metrics, out fault)) return fault;
        using (metrics)
        {
            using var checkpoints = new RunCheckpoints(run.Stores, job.Plan.Checkpoint, job.Identity, metrics, time);
            var progress = new ProgressDisplay(terminal.Console, job.Plan.Run.Steps, history);
            var report = new RunReport(run.Folder, RunEnvironment.Of(job.Plan, job.Options.Tuning, job.Site.Device), job.Site.Warnings, time);
            using var board = new TensorBoardLog(run.Folder, time);
            IRunObserver[] observers = [new SamplePictures(run.Folder), metrics, new SampleGrid(run.Folder), .. job.Plan.Run.TensorBoard ? [board] : Array.Empty<IRunObserver>(), job.Site.Warnings, report, progress, .. telemetry.Observers];
            telemetry.Folder(run.Folder.Path);
            job.Options.Watched?.Begin(run.Folder);
            telemetry.Log.Begun(run.Folder.Path, job.Plan.Algorithm.Definition.Id, job.Plan.Run.Steps);
            terminal.Write(run.From is { } from ? $"run {run.Folder.Path}, resumed from {Path.GetFileName(from.Path)}, its newest valid checkpoint" : $"run {run.Folder.Path}");
            try
            {
                using var kernel = new RunKernel(job.Plan, parts, job.Site.Device, observers, checkpoints);
                using var watchdog = new Watchdog(job.Plan.Guard, kernel.Clock, time, End);
                return report.End(
                    from resumed in run.From is { } checkpoint ? kernel.Resume(checkpoint) : Unit.Value
                    from ending in progress.Around(() => kernel.Run(stop))
                    from exported in Export(ending, kernel, run, job)
                    select Report((exported, run.Folder.Report), progress, kernel, job.Site.Warnings),
                    stop.IsCancellationRequested);
            }
            catch (FaultException exception)
            {
                return report.End(exception.Fault, stop.IsCancellationRequested);
            }
        }
    }

    private static Result<string> Export(RunEnding ending, RunKernel kernel, OpenRun run, Job job)
    {
        var type = Dtype.Parse(job.Plan.Export.Dtype);
        // A run whose reward was gamed has a better model behind it.
        var exported = ending == RunEnding.Gamed && kernel.Best is { } best
            ? run.Stores.Checkpoints.Open(best.Step).Bind(checkpoint => kernel.Export(checkpoint, run.Folder.Export, type)).Map(_ => $", the weights of step {best.Step}, which are the best by '{best.Reward}'")
            : kernel.Export(run.Folder.Export, type).Map(static _ => "");
        return exported.Map(which => $"{run.Folder.Export}{which}");
    }

    // The thread that hangs cannot be ended without the process.
    private void End(Fault fault)
    {
        terminal.Error.Error(fault);
        terminal.Error.Flush();
        Environment.Exit(fault.ExitCode);
    }

    private Unit Report((string Export, string Report) written, ProgressDisplay progress, RunKernel kernel, Warnings warnings)
    {
        progress.Summarize();
        warnings.Summarize();
        terminal.Write($"{kernel.Done} steps, {kernel.Clock.Evaluations:0.#} network evaluations");
        terminal.Write($"exported {written.Export}");
        terminal.Write($"report {written.Report}");
        return Unit.Value;
    }

    private sealed record Job(RunPlan Plan, TrainOptions Options, RunSite Site, RunIdentity Identity);
}
