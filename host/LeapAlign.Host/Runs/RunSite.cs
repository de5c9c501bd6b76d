using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Live;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry;
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

    private readonly CancellationToken _stop;
    private readonly TextWriter _error;

    private RunSite(RunPlan plan, Device device, ILoggerFactory loggers, TextWriter error, CancellationToken stop)
    {
        (_plan, Device, _loggers, Warnings, _log, _stop, _error) = (plan, device, loggers, new Warnings(error), new RunLog(loggers.CreateLogger(RunLog.Category)), stop, error);
        People = new PeopleAwaited(error, TimeProvider.System);
    }

    public Device Device { get; }

    public Warnings Warnings { get; }

    /// <summary>Whether a part waits for people.</summary>
    public PeopleAwaited People { get; }

    /// <summary>The sizes of pictures that will be asked for.</summary>
    public IReadOnlyList<AskedSize> Sizes { get; init; } = [];

    /// <summary>Resolves the device of a plan; a device of the machine that <c>auto</c> cannot use is a warning.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="loggers">The logs of parts.</param>
    /// <param name="error">Takes warnings.</param>
    /// <param name="sizes">The sizes of pictures that will be asked for; null for none that is known.</param>
    /// <param name="stop">Asks what is done on the site to stop.</param>
    /// <returns>LA1010 when it is not in this machine.</returns>
    public static Result<RunSite> Open(RunPlan plan, ILoggerFactory loggers, TextWriter error, IReadOnlyList<AskedSize>? sizes = null, CancellationToken stop = default)
    {
        var place = new SourcePlace("plugins.json", Key: "run.device");
        return DeviceChoice.Resolve(plan.Run.Device, place).Map(device =>
        {
            var site = new RunSite(plan, device, loggers, error, stop) { Sizes = sizes ?? [] };
            if (DeviceChoice.Overlooked(plan.Run.Device, device, DeviceChoice.MachineHasNvidia, place) is { } overlooked) site.Warn(overlooked);
            return site;
        });
    }

    /// <summary>The context of a part.</summary>
    public PartContext Context(PartPlan part) => Context(part, ReferenceEquals(part, _plan.Teacher) || (_plan.Adapter is not null && ReferenceEquals(part, _plan.Model)));

    /// <summary>The context of a part in which models are frozen, also where all their weights are to be trained: for a look at them.</summary>
    public PartContext FrozenContext(PartPlan part) => Context(part, isFrozen: true);

    private PartContext Context(PartPlan part, bool isFrozen) => new()
    {
        Name = part.Name,
        BaseFolder = _plan.BaseFolder,
        RunFolder = Path.GetFullPath(Path.Combine(_plan.Run.Folder, _plan.Run.Name), _plan.BaseFolder),
        Device = Device,
        BlocksPerCheckpoint = _plan.Run.BlocksPerCheckpoint,
        IsFrozen = isFrozen,
        Sizes = Sizes,
        DeviceOf = static name => DeviceChoice.Resolve(name),
        ComputeType = Dtype.Parse(_plan.Run.Dtype)!.Value,
        Logger = _loggers.CreateLogger($"LeapAlign.{part.Name}"),
        Warn = Warn,
        Shared = _shared.Of((object?)part.Plugin ?? this),
        Stop = _stop,
        Pages = new LocalPages(part.Name, _error, People, Warn),
        // Names are unique among rewards alone; parts that no plugin offers are this program's own.
        Spans = (part.Plugin?.Telemetry ?? _own).Spans,
        Meter = (part.Plugin?.Telemetry ?? _own).Meter,
    };

    /// <summary>Stages with the spans of a run, for work that is none.</summary>
    public OpenStages Stages()
    {
        var stages = new OpenStages();
        stages.Add(new KernelSpans(_plan));
        return stages;
    }

    /// <summary>Does work with parts and disposes them afterwards; whatever they throw is a fault, as in a run. Warnings that came more than once are summed up at the end.</summary>
    /// <param name="doing">What it is, in one word, for the fault.</param>
    /// <param name="work">The work; it notes the parts that are to be disposed.</param>
    /// <param name="interrupted">What it is when a part gave up because it was asked to stop; null where that is no end of such work.</param>
    public Result<Completion> Work(string doing, Func<List<IDisposable>, Result<Completion>> work, Func<Completion>? interrupted = null)
    {
        List<IDisposable> owned = [];
        try
        {
            return work(owned);
        }
        catch (OperationCanceledException) when (interrupted is not null && _stop.IsCancellationRequested)
        {
            return interrupted();
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
#pragma warning disable CA1031 // A part may throw anything; as in a run, whatever it is becomes a fault.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception.ToFault((type, message) => new Fault.Run(FaultCodes.StepThrew, $"{doing} threw {type}: {message}"));
        }
        finally
        {
            RunParts.Release(owned);
            Warnings.Summarize();
        }
    }

    /// <summary>The end of work that writes when all is done, and was asked to stop before.</summary>
    public Completion NothingWritten()
    {
        _error.WriteLine("interrupted: nothing is written");
        return Completion.Interrupted;
    }

    private void Warn(Fault fault)
    {
        Warnings.Add(fault);
        _log.Warned(fault);
    }

    /// <summary>Disposes what parts shared. The parts themselves are disposed before.</summary>
    public void Dispose()
    {
        _shared.Dispose();
        _own.Dispose();
    }
}
