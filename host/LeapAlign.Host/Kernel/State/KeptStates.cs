using System.Diagnostics;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.State;

/// <summary>
/// When the states of a run are written down between its steps, and by whom: by the only process, by the first one, which the others bring to it what they share, or by all of them. Where there are several
/// processes, all call the same.
/// </summary>
/// <param name="plan">The composition.</param>
/// <param name="step">Has the states; it ends with this.</param>
/// <param name="ranks">The processes.</param>
/// <param name="own">Takes checkpoints in the first process; null in others, and when the run leaves none.</param>
internal sealed class KeptStates(RunPlan plan, TrainingStep step, RunRanks ranks, RunCheckpoints? own) : IDisposable
{
    /// <summary>Writes the share of this process where all write; null where the first does.</summary>
    public SharedCheckpoints? Shared { get; set; }

    /// <summary>Takes the checkpoint that the settings plan for this place, if there is one, and goes on with one that is being written.</summary>
    /// <param name="progress">The counters.</param>
    /// <param name="began">Steps that were done when this process began.</param>
    /// <exception cref="FaultException">What ended another process.</exception>
    public Result<Unit> Due(RunProgress progress, int began)
    {
        if (Shared is { IsPending: true } pending)
        {
            if (!pending.AreThere(waits: false).TryGet(out var all, out var fault)) return fault;
            if (all) own?.Complete();
        }
        if (!ranks.IsAlone && progress.Done != began && RunCheckpoints.IsPlanned(plan.Checkpoint, progress.Done, plan.Run.Steps))
        {
            step.Compare();
            if (Shared is { } shared) return shared.At == progress.Done ? Unit.Value : Together(shared, progress);
            if (!step.Collect().TryGet(out _, out var other)) return other;
        }
        return own?.IsDue(progress.Done, plan.Run.Steps) == true ? Alone(progress) : Unit.Value;
    }

    /// <summary>Takes a checkpoint that is not planned.</summary>
    /// <exception cref="FaultException">What ended another process.</exception>
    public Result<Unit> Take(RunProgress progress)
    {
        if (Shared is { } shared) return Together(shared, progress);
        return (step.SharesStates ? step.Collect() : Unit.Value).Bind(_ => own is null ? Unit.Value : Alone(progress));
    }

    /// <summary>Takes a checkpoint in this process, which has all states.</summary>
    public Result<Unit> Alone(RunProgress progress) => KernelSpans.Checkpoint(progress.Done, () => own!.Take(progress, step.States));

    /// <summary>The steps ended without a fault: what is not yet in a checkpoint comes into one, or to the first process, and the export's weights to that.</summary>
    /// <param name="progress">The counters.</param>
    /// <param name="recorded">Whether metrics hold the last step.</param>
    /// <returns>What ended another process. Where a checkpoint could not be made whole, the first process has all states, and tries again.</returns>
    public Result<Unit> End(RunProgress progress, bool recorded)
    {
        if (Shared is not { } shared) return plan.Checkpoint.Every >= 0 ? step.Collect() : step.Average.Collect();
        try
        {
            var whole = !ranks.Any("a step that did not end", !step.IsBetweenSteps);
            var lacks = ranks.Any("a last checkpoint", own is { IsOn: true } && recorded && own.At != progress.Done);
            if (lacks && whole && !Together(shared, progress).TryGet(out _, out var fault)) return fault;
            var settled = Settle(shared);
            return ranks.Any("a checkpoint that could not be written", !settled.IsOk) ? step.Collect() : step.Average.Collect();
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    public void Dispose()
    {
        Shared?.Dispose();
        step.Dispose();
    }

    private Result<Unit> Together(SharedCheckpoints shared, RunProgress progress) => KernelSpans.Checkpoint(progress.Done, () =>
    {
        var started = Stopwatch.GetTimestamp();
        return Settle(shared).Map(_ =>
        {
            shared.Begin(progress.Done, step.Shares);
            own?.Expect(progress, shared.World, Stopwatch.GetElapsedTime(started).TotalSeconds);
            return Unit.Value;
        });
    });

    // The shares of all processes first: without them there is nothing to make whole.
    private Result<Unit> Settle(SharedCheckpoints shared) => shared.AreThere(waits: true).Bind(_ =>
    {
        own?.Complete();
        return own?.Settle() ?? Unit.Value;
    });
}
