using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using LeapAlign.Host.Planning;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Joined;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Host.Runs.TensorBoard;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using Microsoft.Extensions.Logging;

namespace LeapAlign.Host.Runs;

/// <summary>
/// <c>train</c>: makes the parts of a plan, rehearses the end of the run, makes the run folder, lets the kernel run and exports what it trained. The folder is made last, so
/// that a run that cannot begin, or could not end, leaves nothing behind.
/// </summary>
/// <param name="terminal">Where the user is told.</param>
/// <param name="loggers">The logs of parts.</param>
/// <param name="telemetry">What is told to collectors.</param>
/// <param name="time">The clock.</param>
/// <param name="disk">Where the run folder is; the file system of this machine when null.</param>
internal sealed class Training(Terminal terminal, ILoggerFactory loggers, RunTelemetry telemetry, TimeProvider time, IDisk? disk = null) : ITraining
{
    private const string RunFolderIsThere = "the run folder";
    private static readonly TimeSpan s_longestRecord = TimeSpan.FromSeconds(10);

    private readonly IDisk _disk = disk ?? SystemDisk.Instance;

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Train(RunPlan plan, TrainOptions options, CancellationToken stop)
    {
        using var asked = CancellationTokenSource.CreateLinkedTokenSource(stop);
        return RunSite.Open(plan, loggers, Launcher.Here is { Rank: > 0 } ? TextWriter.Null : terminal.Error, plan.Sizes, asked.Token).Bind(site =>
        {
            using (site)
            {
                var identity = RunIdentity.Of(plan);
                return JoinedProcesses.Open(plan, site, identity, options.Tuning, asked).Bind(joined =>
                {
                    using (joined) return Run(new Job(plan, options, site, identity) { Ranks = joined.Ranks, Scorers = joined.Scorers }, asked.Token);
                });
            }
        });
    }

    private Result<Completion> Run(Job job, CancellationToken stop)
    {
        if (job.Scorers is not { } scorers) return Together(job, stop);
        scorers.Warned = job.Site.Warnings.Add;
        if (scorers.IsScorer) return ScorerRun.Serve(job.Plan, job.Site, scorers);
        try
        {
            var ended = Together(job, stop);
            scorers.End(ended.Match<Fault?>(static _ => null, static fault => fault));
            return ended;
        }
        catch (Exception exception)
        {
            scorers.End(RankFault.Unexpected(exception));
            throw;
        }
    }

    // Whatever ends one of the processes ends all of them, with the same fault; the first one is the last to leave, when its files are written.
    private Result<Completion> Together(Job job, CancellationToken stop)
    {
        var ranks = job.Ranks;
        ranks.Warnings = job.Site.Warnings;
        Result<Completion> Own() => ranks.Rank == 0 ? BeginOrResume(job, stop) : Follow(job, stop);
        Result<Completion> Ended() => job.Scorers is { } scorers ? scorers.Meet(Own) : Own();
        if (ranks.IsAlone) return Ended();
        try
        {
            return ranks.Agreed("the end of the run", Ended());
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || ranks.WasInterrupted)
        {
            return ranks.Interrupt() is { } fault ? fault : Completion.Interrupted;
        }
        catch (Exception exception)
        {
            ranks.Fail(RankFault.Unexpected(exception));
            throw;
        }
    }

    // What the first process does, without a folder: nothing of this one is on a disk.
    private Result<Completion> Follow(Job job, CancellationToken stop) => WithParts(job, ("", 0), (parts, _) =>
    {
        if (!job.Ranks.Agreed(RunFolderIsThere, Result.Ok(Unit.Value)).TryGet(out var _, out var fault)) return fault;
        using var kernel = new RunKernel(job.Plan, parts, job.Site.Device, []);
        using var watchdog = new Watchdog(job.Plan.Guard, time, terminal.End, job.Ranks, job.Site.People);
        kernel.Stages.Add(watchdog);
        return from writers in Writers(job, null, kernel, null)
               from resumed in job.Options.Resume is null ? Unit.Value : kernel.ResumeAsFirst()
               from ended in kernel.Run(stop)
               select ended == RunEnding.Interrupted ? Completion.Interrupted : Completion.Whole;
    }, stop);

    // A run that goes on has its folder before its parts, one that begins has it after.
    private Result<Completion> BeginOrResume(Job job, CancellationToken stop)
    {
        var (plan, options) = (job.Plan, job.Options);
        return options.Resume is { } resume
            ? OpenRun.Resume(resume, job.Identity, _disk, job.Site.Warnings.Add).Bind(run =>
            {
                using (run) return WithParts(job, (run.Folder.Path, 0), (parts, planned) => RunToEnd(job, (parts, planned), run, stop), stop);
            })
            : RunFolder.CheckName(plan.Run.Name).Bind(_ => Warned(job)).Bind(_ => WithParts(job, Folder(plan, options), (parts, planned) => OpenRun.Begin(plan, options.Force, _disk).Bind(run =>
            {
                using (run) return RunToEnd(job, (parts, planned), run, stop);
            }), stop));
    }

    private static Result<Unit> Warned(Job job)
    {
        if (job.Plan.LoneReward is { } lone) job.Site.Warnings.Add(lone);
        foreach (var idle in job.Plan.IdleWeights) job.Site.Warnings.Add(idle);
        return Unit.Value;
    }

    private static (string Path, long Freed) Folder(RunPlan plan, TrainOptions options)
    {
        var path = Path.GetFullPath(Path.Combine(plan.Run.Folder, plan.Run.Name), plan.BaseFolder);
        return (path, options.Force ? DiskRoom.BytesBelow(path) : 0);
    }

    private static Result<Completion> WithParts(Job job, (string Path, long Freed) folder, Func<RunParts, StepPlan?, Result<Completion>> action, CancellationToken stop)
    {
        var fit = new RunFit(job.Plan);
        var first = job.Ranks.Rank == 0;
        if (first && !fit.Begin(job.Site).TryGet(out _, out var unfit)) return unfit;
        var created = RunParts.Create(job.Plan, job.Site.Context, job.Ranks, job.Scorers is null ? null : job.Scorers.Elsewhere);
        if (job.Scorers is { } scorers) created = scorers.Meet(created, static _ => []);
        if (!created.TryGet(out var parts, out var fault)) return fault;
        using (parts)
        {
            var planned = from fits in parts.Check(job.Plan)
                          from rehearsed in first ? Rehearsal.Check(job.Plan, parts, folder.Path, folder.Freed, job.Site.Warnings.Add) : Unit.Value
                          from made in first ? fit.Check(parts, stop) : Result.Ok<StepPlan?>(null)
                          select made;
            return job.Ranks.Agreed("the parts of the run", planned).Bind(made => action(parts, made));
        }
    }

    private Result<Completion> RunToEnd(Job job, (RunParts Parts, StepPlan? Planned) made, OpenRun run, CancellationToken stop)
    {
        var parts = made.Parts;
        var check = made.Planned is { } planned ? new PlanCheck(planned) : null;
        var joined = job.Ranks.IsAlone && job.Scorers is null ? null : new JoinedFacts(job.Ranks, parts.Share, job.Scorers?.Roles.Scorers ?? 0);
        if (!run.History().TryGet(out var history, out var fault)) return fault;
        if (!Rehearsal.Folders(run.Folder).TryGet(out _, out fault)) return fault;
        if (!run.Start(job.Plan, job.Options.Source).TryGet(out var metrics, out fault)) return fault;
        using (metrics)
        {
            using var checkpoints = new RunCheckpoints(run.Stores, job.Plan.Checkpoint, job.Identity, metrics, time);
            var progress = new ProgressDisplay(terminal.Console, job.Plan.Run.Steps, history);
            var report = new RunReport(run.Folder, RunEnvironment.Of(job.Plan, job.Options.Tuning, job.Site.Device), job.Site.Warnings, time) { Model = ModelName.Of(job.Plan.Model), Facts = () => Facts(check, joined) };
            telemetry.Device(job.Site.Device);
            using var board = new TensorBoardLog(run.Folder, time, job.Site.Warnings.Add);
            // The folder first; metrics behind all else that may fail: what they hold is told, and what they do not hold is done again by who goes on.
            IRunObserver[] observers = [.. check is null ? Array.Empty<IRunObserver>() : [check], .. joined is null ? Array.Empty<IRunObserver>() : [joined], run.Held, new SamplePictures(run.Folder), new SampleGrid(run.Folder), metrics, .. job.Plan.Run.TensorBoard ? [board] : Array.Empty<IRunObserver>(), job.Site.Warnings, report, progress, .. telemetry.Observers];
            telemetry.Folder(run.Folder.Path);
            job.Options.Watched?.Begin(run.Folder);
            telemetry.Log.Begun(run.Folder.Path, job.Plan.Algorithm.Definition.Id, job.Plan.Run.Steps);
            terminal.Write(run.From is { } from ? $"run {run.Folder.Path}, resumed from {Path.GetFileName(from.Path)}, its newest valid checkpoint" : $"run {run.Folder.Path}");
            if (run.Before?.Death is { } death) terminal.Write($"the process before this one died: {death}");
            report.Begin();
            using var witness = Witness.Begin(run.Folder, report.Started, job.Site.Warnings.Add);
            try
            {
                using var kernel = new RunKernel(job.Plan, parts, job.Site.Device, observers, checkpoints);
                using var watchdog = new Watchdog(job.Plan.Guard, time, hangs => End(hangs, report, witness), job.Ranks, job.Site.People);
                kernel.Stages.Add(watchdog);
                if (witness?.Stage is { } mark) kernel.Stages.Add(mark);
                if (check is not null) kernel.Stages.Add(check);
                var end = new RunEnd(kernel, run, job.Plan, parts.TrainedModel, new Rescue(kernel, run, job.Plan, job.Options.Source, metrics)) { Moved = report.GoOnIn };
                return report.End(
                    from begun in job.Ranks.Agreed(RunFolderIsThere, Result.Ok(Unit.Value))
                    from writers in Writers(job, run.Folder, kernel, joined)
                    from resumed in run.From is { } checkpoint ? kernel.Resume(checkpoint).Bind(_ => kernel.ResumeAsFirst()) : Unit.Value
                    from saved in kernel.Rehearse()
                    from exported in end.Export(progress.Around(() => kernel.Run(stop)))
                    let said = Report((exported.Export, run.Folder.Report), progress, kernel, job.Site.Warnings)
                    select exported.Ending);
            }
            catch (FaultException exception)
            {
                return report.End(exception.Fault);
            }
            catch (Exception exception)
            {
                // What nobody expected is for the command line to say; run.json must not go on to say that the run is under way.
                report.End(exception);
                throw;
            }
            finally
            {
                // Every way out of here has written run.json.
                witness?.End();
            }
        }
    }

    private static Result<CheckpointWriters> Writers(Job job, RunFolder? folder, RunKernel kernel, JoinedFacts? joined) => CheckpointWriters.Of(job.Ranks, job.Plan.Checkpoint, folder).Map(writers =>
    {
        kernel.Shared = writers.Shared;
        joined?.Writers = writers.Words;
        return writers;
    });

    private static Dictionary<string, string> Facts(PlanCheck? check, JoinedFacts? joined) => (check?.Facts ?? Nothing).Concat(joined?.Facts ?? Nothing).ToDictionary();

    private static readonly IReadOnlyDictionary<string, string> Nothing = new Dictionary<string, string>();

    // The thread that hangs cannot be ended without the process. A disk that hangs, too, does not keep it: then the witness writes what is said here.
    private void End(Fault fault, RunReport report, Witness? witness)
    {
        witness?.Fail(fault);
        Task.Run(() => report.EndAtOnce(fault)).Wait(s_longestRecord);
        terminal.End(fault);
    }

    private Unit Report((string Export, string Report) written, ProgressDisplay progress, RunKernel kernel, Warnings warnings)
    {
        progress.Summarize();
        warnings.Summarize();
        terminal.Write($"{kernel.Done} steps, {kernel.Stages.Ledger.Evaluations:0.#} network evaluations");
        terminal.Write($"exported {written.Export}");
        terminal.Write($"report {written.Report}");
        return Unit.Value;
    }

    private sealed record Job(RunPlan Plan, TrainOptions Options, RunSite Site, RunIdentity Identity)
    {
        public required RunRanks Ranks { get; init; }

        /// <summary>Processes that score for others; null for none.</summary>
        public RunScorers? Scorers { get; init; }
    }
}
