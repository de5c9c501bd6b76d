using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry.Measures;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs;

/// <summary>Where the parts of a plan are made: device and precision, logs, and the warnings that come.</summary>
internal sealed class RunSite : IDisposable
{
    private readonly RunPlan _plan;
    private readonly ILoggerFactory _loggers;
    private readonly RunLog _log;
    private readonly SharedResources _shared = new();
    private readonly PluginTelemetry _own = new("host", null);

    private RunSite(RunPlan plan, Device device, ILoggerFactory loggers, TextWriter error) =>
        (_plan, Device, _loggers, Warnings, _log) = (plan, device, loggers, new Warnings(error), new RunLog(loggers.CreateLogger(RunLog.Category)));

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
        Warn = Warn,
        Shared = _shared,
        Spans = Telemetry(name).Spans,
        Meter = Telemetry(name).Meter,
    };

    private void Warn(Fault fault)
    {
        Warnings.Add(fault);
        _log.Warned(fault);
    }

    // Parts of a plan that no plugin offers are this program's own.
    private PluginTelemetry Telemetry(string name) => _plan.Parts.FirstOrDefault(part => part.Name == name)?.Plugin?.Telemetry ?? _own;

    /// <summary>Disposes what parts shared. The parts themselves are disposed before.</summary>
    public void Dispose()
    {
        _shared.Dispose();
        _own.Dispose();
    }
}
