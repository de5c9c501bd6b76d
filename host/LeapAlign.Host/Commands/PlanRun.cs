using System.Runtime.CompilerServices;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>How a verb runs a plan: composed, with the process tuned, open to interruption, and its plugins unloaded afterwards.</summary>
internal sealed class PlanRun(IPluginLoader loader, BundledPlugins bundled, Terminal terminal)
{
    /// <summary>Runs to the end, or until it is interrupted.</summary>
    /// <param name="source">What is composed.</param>
    /// <param name="action">What is done with the plan.</param>
    /// <returns>The exit code.</returns>
    public int Run(CompositionSource source, Func<RunPlan, StartupTuning, CancellationToken, Result<Unit>> action)
    {
        var workspace = Workspace.Open(source, loader, bundled);
        using var interruption = new Interruption(terminal.Error);
        var code = Run(workspace, action, interruption.Token);
        foreach (var fault in workspace.Catalog.Unload()) terminal.Error.Warning(fault);
        return code;
    }

    // A frame of its own: once it has returned, nothing on the stack refers to a plugin's types.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Run(Workspace workspace, Func<RunPlan, StartupTuning, CancellationToken, Result<Unit>> action, CancellationToken stop)
    {
        var outcome = workspace.Compose().Bind(plan =>
        {
            var tuning = StartupTuning.Apply(plan.Run.Tuning, plan.Run.Threads);
            return plan.WhileRunning(() => action(plan, tuning, stop));
        });
        return terminal.Finish(outcome, stop);
    }
}
