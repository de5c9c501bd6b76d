using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Host.Telemetry;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>
/// The run loop: <c>BeforeRun → Run (per step) → AfterRun</c>. It owns everything that is the same for all algorithms and knows no algorithm, model or
/// reward.
/// </summary>
internal sealed class RunKernel : IDisposable
{
    private readonly RunPlan _plan;
    private readonly RunParts _parts;
    private readonly IReadOnlyList<IRunObserver> _observers;
    private readonly RunCheckpoints? _checkpoints;
    private readonly KernelSpans _spans;
    private readonly TrainingStep _step;
    private readonly Evaluation _evaluation;
    private readonly IReadOnlyList<Evaluation> _previews;
    private readonly Sentinel _sentinel;
    private readonly DeploymentWatch _deployment;
    private readonly RunRanks _ranks;
    private readonly KeptStates _kept;
    private RunProgress _progress = new();
    private bool _recorded = true;
    private int _began;

    /// <summary>Makes the state of a run at its beginning.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="parts">Its parts.</param>
    /// <param name="device">Where tensors live.</param>
    /// <param name="observers">Receive the events of the run.</param>
    /// <param name="checkpoints">Takes checkpoints; null when the run leaves none.</param>
    public RunKernel(RunPlan plan, RunParts parts, Device device, IReadOnlyList<IRunObserver> observers, RunCheckpoints? checkpoints = null)
    {
        (_plan, _parts, _observers, _checkpoints) = (plan, parts, observers, checkpoints);
        _spans = new KernelSpans(plan);
        Stages.Add(_spans);
        _step = new TrainingStep(plan, parts, Stages, device) { Refused = Refuse };
        Evaluation[] evaluations = [.. parts.Drawn.Select(drawn => new Evaluation(plan, parts, drawn, Stages, device))];
        (_evaluation, _previews) = (evaluations[0], evaluations[1..]);
        _sentinel = new Sentinel(plan.Sentinel, plan.Rewards);
        _deployment = new DeploymentWatch(plan);
        _ranks = parts.Ranks;
        _kept = new KeptStates(plan, _step, _ranks, checkpoints);
    }

    /// <summary>The stages of steps and evaluations, with their seconds and the F-ledger.</summary>
    public OpenStages Stages { get; } = new();

    /// <summary>Steps done.</summary>
    public int Done => _progress.Done;

    /// <summary>How the steps ended; null before, and when they ended with a fault. What comes after them, the last checkpoint for instance, may have failed all the same.</summary>
    public RunEnding? Ending { get; private set; }

    /// <summary>Whether a checkpoint of this state is on the disk, once the run has ended.</summary>
    public bool IsKept => _checkpoints?.At == Done;

    /// <summary>Writes the share of this process where all processes write checkpoints; null where the first does. It ends with the kernel.</summary>
    public SharedCheckpoints? Shared { set => _kept.Shared = value; }

    /// <summary>The best evaluation so far; null when none is kept.</summary>
    public BestEvaluation? Best => _progress.Best;

    /// <summary>Goes on from a checkpoint instead of from the beginning.</summary>
    public Result<Unit> Resume(Checkpoint checkpoint) => checkpoint.Restore(_step.States).Map(_ =>
    {
        Resume(checkpoint.Manifest.Progress);
        _checkpoints?.At = checkpoint.Step;
        return Unit.Value;
    });

    /// <summary>Goes on from what the first process of the run restored, in every process.</summary>
    public Result<Unit> ResumeAsFirst() => SharedState.OfFirst(_ranks, _step.States, _progress).Map(progress =>
    {
        if (_ranks.Rank > 0) Resume(progress);
        return Unit.Value;
    });

    private void Resume(RunProgress progress)
    {
        (_progress, _began) = (progress, progress.Done);
        _step.Resume(_progress);
        _sentinel.Resume(_progress.Sentinel);
        _deployment.Resume(_progress.Deployment);
        Stages.Ledger.Resume(_progress.Evaluations, _progress.GradientEvaluations);
    }

    /// <summary>Runs to the end, or to the end of the step in which cancellation is asked for.</summary>
    /// <returns>How it ended.</returns>
    public Result<RunEnding> Run(CancellationToken cancellation) => _spans.Run(Stages.Ledger, _ranks, () =>
    {
        var ran = Together(GuardedLoop(cancellation));
        Ending = ran.Match<RunEnding?>(static ending => ending, static _ => null);
        // Whatever ended the run, what was done up to its last whole step is kept.
        var kept = AfterRun();
        return ran.Bind(ending => kept.Map(_ => ending));
    });

    /// <summary>Does steps again, without evaluations, checkpoints or anything told.</summary>
    /// <param name="step">The last of them, from 1.</param>
    /// <param name="cancellation">Ends it between steps.</param>
    /// <param name="before">Looks at the state before that step.</param>
    /// <returns>What that step did.</returns>
    public Result<StepReport> Replay(int step, CancellationToken cancellation, Action<TrainingStep>? before = null)
    {
        try
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                if (Done == step - 1) before?.Invoke(_step);
                var report = Made();
                _progress = _progress with { Done = Done + 1 };
                if (Done == step) return report;
            }
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    /// <summary>Writes the averaged weights: a model folder, or an adapter's files.</summary>
    /// <param name="folders">Each is there whole or not at all.</param>
    public Result<Unit> Export(ExportFolders folders) => _step.Average.Whole.Bind(policy => _parts.TrainedModel.Export(folders, policy, _plan.Export));

    /// <summary>Writes the averaged weights of a checkpoint.</summary>
    public Result<Unit> Export(Checkpoint checkpoint, ExportFolders folders) =>
        CheckpointExport.Write(checkpoint, _parts.TrainedModel, policy => _parts.TrainedModel.Export(folders, policy, _plan.Export));

    /// <summary>Asks every part for its state as a checkpoint will, before the first step: one that cannot give it would end the run at its first checkpoint, which may be its last.</summary>
    /// <returns><see cref="FaultCodes.StateMismatch"/>, naming the part.</returns>
    public Result<Unit> Rehearse() => _checkpoints is not { IsOn: true } ? Unit.Value : StateRehearsal.Of(_step.States);

    /// <summary>Writes the state down where no checkpoint holds it yet: the export, which would have kept it, failed.</summary>
    public Result<Unit> Keep() => _checkpoints is null || _checkpoints.At == Done
        ? Unit.Value
        : !_step.HasWholeStates
        ? new Fault.Run(FaultCodes.StateMismatch, $"the state after step {Done} is in several processes (run.optimizerState, run.averageState), and was not brought together")
        : from taken in Checkpoint()
          from complete in Completed(static checkpoints => checkpoints.Finish())
          select complete;

    /// <summary>Writes the state down in another place than the run's own, which is lost.</summary>
    /// <param name="stores">The place.</param>
    public Result<Unit> KeepIn((CheckpointStore Checkpoints, CheckpointStore Faults) stores)
    {
        if (_checkpoints is null || !_recorded || !_step.IsBetweenSteps) return new Fault.Run(FaultCodes.StateMismatch, $"step {Done + 1} was under way");
        _checkpoints.GoOnIn(stores);
        return Keep();
    }

    public void Dispose() => _kept.Dispose();

    // What ends the run in one of its processes ends it in all; where none did, all are here, and states that they share come together.
    private Result<RunEnding> Together(Result<RunEnding> own) => own.Bind(ending => _kept.End(_progress, _recorded).Map(_ => ending)).Match(Result.Ok, fault => Result.Fail<RunEnding>(_ranks.Fail(fault)));

    private Result<RunEnding> GuardedLoop(CancellationToken cancellation)
    {
        try
        {
            return Loop(cancellation);
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested || _ranks.WasInterrupted)
        {
            if (_ranks.Interrupt() is { } fault) return fault;
            return RunEnding.Interrupted;
        }
#pragma warning disable CA1031 // A part may throw anything; whatever it is becomes a fault that names the stage.
        catch (Exception exception) when (Stages.Of(exception) is not null)
#pragma warning restore CA1031
        {
            var where = $"the stage '{Stages.Of(exception)}' of step {Done + 1}";
            return exception.ToFault((type, message) => MemoryShortage.Of(exception, where) ?? new Fault.Run(FaultCodes.StepThrew, $"{where} threw {type}: {message}"));
        }
    }

    private Result<RunEnding> Loop(CancellationToken cancellation)
    {
        while (true)
        {
            _ranks.ShareWarnings();
            if (!Tell(static observer => observer.GoesOn()).TryGet(out _, out var fault)) return fault;
            if (IsEvaluationDue && !Evaluate(cancellation).TryGet(out _, out fault)) return fault;
            // Not only after an evaluation: a run may go on from a checkpoint that was taken between it and the end.
            if (_sentinel.Stops) return RunEnding.Gamed;
            if (!_kept.Due(_progress, _began).TryGet(out _, out fault)) return fault;
            if (Done >= _plan.Run.Steps) return RunEnding.Finished;
            if (_ranks.Any($"step {Done + 1}", cancellation.IsCancellationRequested)) return RunEnding.Interrupted;
            if (!Step().TryGet(out _, out fault)) return fault;
        }
    }

    private Result<Unit> Step()
    {
        Stages.Begin(Done + 1);
        var report = Made();
        _progress = Counted() with { Done = Done + 1, Updates = _step.Updates, Guard = _step.Guard.State };
        _recorded = false;
        return from told in Tell(observer => observer.Stepped(report))
               let recorded = _recorded = true
               from completed in Completed(static checkpoints => checkpoints.Completed())
               select completed;
    }

    private StepReport Made() => _spans.Step(Done, Stages, () => _step.Run(Done));

    private RunProgress Counted() => _progress with { Evaluations = Stages.Ledger.Evaluations, GradientEvaluations = Stages.Ledger.GradientEvaluations };

    private Result<Unit> AfterRun()
    {
        // A step whose metrics could not be written is done again after a resume.
        var last = _checkpoints is { IsOn: true } && _recorded && _step.IsBetweenSteps && _step.HasWholeStates && _checkpoints.At != Done ? Checkpoint() : Unit.Value;
        var complete = Completed(static checkpoints => checkpoints.Finish());
        return last.Bind(_ => complete);
    }

    private bool IsEvaluationDue =>
        _plan.Evaluation.Every is var every and >= 0 && _progress.EvaluatedAt != Done && (Done == 0 || Done == _plan.Run.Steps || (every > 0 && Done % every == 0));

    private Result<Unit> Evaluate(CancellationToken cancellation)
    {
        var before = _progress;
        var report = Evaluated(cancellation);
        var finding = _sentinel.Look(report);
        var parted = _deployment.Look(report);
        _progress = Counted() with { EvaluatedAt = Done, Sentinel = _sentinel.State, Deployment = _deployment.State, FirstPictures = _progress.FirstPictures ?? report.PicturesSha256 };
        // The checkpoint last, so that a run that goes on from it lacks nothing that was told; what was not told is evaluated again.
        return from told in Tell(observer => observer.Evaluated(report)).Match(Result.Ok, fault => Untold(before, fault))
               from warned in ((Fault[])[.. report.AllWarnings, .. finding.Warnings, .. parted]).Select(warning => Tell(observer => observer.Warned(Done, warning))).All()
               from kept in KeepBest(report)
               from moved in AdapterReach.Check(_parts.TrainedModel.Adapter is not null && _parts.Algorithm.TrainsModel && Done >= _plan.Run.Steps, _step.Updates, _progress.FirstPictures, report.PicturesSha256)
               select moved;
    }

    // All of it before anything is told: what is not drawn to the end is drawn again by who goes on.
    private EvaluationReport Evaluated(CancellationToken cancellation)
    {
        using var whole = _step.Average.Gather();
        EvaluationReport Drawn(Evaluation evaluation) => _spans.Evaluate(Stages, () => evaluation.Run(Done, _step.Average.Policy, cancellation));
        return Drawn(_evaluation) with { Previews = [.. _previews.Where(preview => preview.Form.IsDue(Done, _plan.Run.Steps)).Select(Drawn)] };
    }

    private Result<Unit> Untold(RunProgress before, Fault fault)
    {
        _progress = before;
        return fault;
    }

    private Result<Unit> KeepBest(EvaluationReport report)
    {
        var better = _checkpoints is { IsOn: true, Best: { } reward } ? BestEvaluation.Better(_progress.Best, Done, reward, report.Rewards[reward]) : null;
        if (!_ranks.Any("the best evaluation", better is not null)) return Unit.Value;
        if (better is not null) _progress = _progress with { Best = better };
        return _kept.Take(_progress);
    }

    private void Refuse(Fault fault, bool stops)
    {
        // The same in all processes, since all of them judge the same numbers.
        if (_step.IsBetweenSteps && !_step.Collect().TryGet(out _, out var other)) throw new FaultException(other);
        // A run that ends here leaves a checkpoint of the state before the step anyway.
        var states = _step.IsBetweenSteps && !stops ? _step.States : null;
        var kept = _checkpoints?.Keep(_progress, states, fault) ?? Unit.Value;
        var told = stops ? kept : kept.Bind(_ => Tell(observer => observer.Warned(Done, fault)));
        if (!told.TryGet(out _, out var failed)) throw new FaultException(failed);
    }

    private Result<Unit> Checkpoint() => _kept.Alone(_progress);

    private Result<Unit> Completed(Func<RunCheckpoints, Result<CheckpointReport?>> which) => _checkpoints is null
        ? Unit.Value
        : which(_checkpoints).Bind(report => report is null ? Unit.Value : Tell(observer => observer.Checkpointed(report)));

    private Result<Unit> Tell(Func<IRunObserver, Result<Unit>> tell) => _observers.Select(tell).All().Map(static _ => Unit.Value);
}
