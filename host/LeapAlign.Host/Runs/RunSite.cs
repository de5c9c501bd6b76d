using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs;

/// <summary>Where the parts of a plan are made: device and precision, logs, and the warnings that come.</summary>
internal sealed class RunSite : IDisposable
{
    private readonly RunPlan _plan;
    private readonly ILoggerFactory _loggers;
    private readonly SharedResources _shared = new();

    private RunSite(RunPlan plan, Device device, ILoggerFactory loggers, TextWriter error) =>
        (_plan, Device, _loggers, Warnings) = (plan, device, loggers, new Warnings(error));

    public Device Device { get; }

    public Warnings Warnings { get; }

    /// <summary>Resolves the device of a plan.</summary>
    /// <returns>LA1010 when it is not in this machine.</returns>
    public static Result<RunSite> Open(RunPlan plan, ILoggerFactory loggers, TextWriter error) =>
        DeviceChoice.Resolve(plan.Run.Device, new SourcePlace("plugins.json", Key: "run.device")).Map(device => new RunSite(plan, device, loggers, error));

    /// <summary>What the part of a name is told.</summary>
    public PartContext Context(string name) => new()
    {
        Name = name,
        BaseFolder = _plan.BaseFolder,
        Device = Device,
        ComputeType = Dtype.Parse(_plan.Run.Dtype)!.Value,
        Logger = _loggers.CreateLogger($"LeapAlign.{name}"),
        Warn = Warnings.Add,
        Shared = _shared,
    };

    /// <summary>Disposes what parts shared. The parts themselves are disposed before.</summary>
    public void Dispose() => _shared.Dispose();
}
