using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>How a verb runs a plan: composed, with the process tuned, open to interruption, and its plugins unloaded afterwards.</summary>
internal sealed class PlanRun(Workspaces workspaces, Terminal terminal, RunTelemetry telemetry)
{
    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(2);

    /// <summary>Runs to the end, or until it is interrupted.</summary>
    /// <param name="source">What is composed.</param>
    /// <param name="action">What is done with the plan.</param>
    /// <returns>The exit code.</returns>
    public int Run(CompositionSource source, Func<RunPlan, StartupTuning, CancellationToken, Result<Completion>> action) => Run(source, static workspace => workspace.Compose(), action);

    /// <summary>Runs to the end, or until it is interrupted.</summary>
    /// <param name="source">What is composed.</param>
    /// <param name="compose">How.</param>
    /// <param name="action">What is done with the plan.</param>
    /// <returns>The exit code.</returns>
    public int Run(CompositionSource source, Func<Workspace, Result<RunPlan>> compose, Func<RunPlan, StartupTuning, CancellationToken, Result<Completion>> action)
    {
        // Telemetry is set up before plugins live, by what plugins.json says of it.
        var read = source.Read();
        return telemetry.Around(source.Verb, read, () =>
        {
            using var interruption = Launcher.Here is { Rank: > 0 } ? new Interruption(terminal.Error, words: null) : new Interruption(terminal.Error);
            using var workspace = workspaces.Open(source, read);
            return Compose(workspace, compose, action, interruption.Token);
        });
    }

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Compose(Workspace workspace, Func<Workspace, Result<RunPlan>> compose, Func<RunPlan, StartupTuning, CancellationToken, Result<Completion>> action, CancellationToken stop)
    {
        // What is wrong with libtorch is said before the first tensor, and after what is wrong with plugins.json.
        var outcome =
            from plan in compose(workspace)
            from libtorch in LibTorch.Load()
            from device in DeviceChoice.Resolve(plan.Run.Device, new SourcePlace("plugins.json", Key: "run.device"))
            let tuning = StartupTuning.Apply(plan.Run.Tuning, plan.Run.Threads, device.type)
            from completion in plan.WhileRunning(() => Stoppable(() => action(plan, tuning, stop), stop))
            select completion;
        return Finish(telemetry.Note(outcome), stop);
    }

    // A part that is asked to stop may give up where there are no steps: in its making, or in a step that is done again.
    private static Result<Completion> Stoppable(Func<Result<Completion>> action, CancellationToken stop)
    {
        try
        {
            return action();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Completion.Interrupted;
        }
    }

    // A fault that all processes of a run have is told by the first of them. Launchers end the others as soon as one has failed: it is let go first.
    private int Told(Fault fault)
    {
        if (fault.Rank is null || Launcher.Here is not { Rank: > 0 }) return terminal.Error.Error(fault);
        Thread.Sleep(s_first);
        return fault.ExitCode;
    }

    // Who asks for a stop when nothing is left to do gets what was begun, whole.
    private int Finish(Result<Completion> outcome, CancellationToken stop)
    {
        if (!outcome.TryGet(out var completion, out var fault)) return Told(fault);
        if (completion == Completion.Interrupted) return Interruption.ExitCode;
        if (stop.IsCancellationRequested) terminal.Error.WriteLine("nothing was left to stop: it had come to its end");
        return 0;
    }
}
