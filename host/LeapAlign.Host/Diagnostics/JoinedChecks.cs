using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs.Joined;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Host.Diagnostics;

/// <summary>What started this process beside others, and what would join them.</summary>
internal static class JoinedChecks
{
    /// <summary>Looks.</summary>
    /// <param name="plan">The composition.</param>
    public static IEnumerable<Finding> Run(RunPlan plan)
    {
        if (Launcher.Here is { } launcher) yield return new("launcher", true, $"{launcher.Name}: rank {launcher.Rank} of {(launcher.World is { } world ? $"{world}" : "an unknown number")}, {(launcher.LocalWorld is { } local ? $"{local} on this machine" : "an unknown number on this machine")}");
        if (plan.Collective is not { } collective)
        {
            if (JoinedProcesses.Launched(Launcher.Here) is { } alone) yield return new("processes", false, alone.ToString());
            yield break;
        }
        List<IDisposable> owned = [];
        yield return RunParts.Make<ICommunicator>(collective, part => Context(part, plan), owned).Match(
            static joined => new Finding("processes", true, $"{joined.World}, {joined.Description}"),
            static fault => new Finding("processes", false, fault.ToString()));
        RunParts.Release(owned);
    }

    private static PartContext Context(PartPlan part, RunPlan plan) => new()
    {
        Name = part.Name,
        BaseFolder = plan.BaseFolder,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = static _ => { },
    };
}
