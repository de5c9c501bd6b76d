using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Commands;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Host.Runs;

/// <summary>Warnings of a run, shown when they first come and counted by code.</summary>
internal sealed class Warnings(TextWriter error)
{
    private readonly Dictionary<string, int> _counts = [];

    /// <summary>Takes a warning.</summary>
    public void Add(Fault fault)
    {
        var count = _counts.GetValueOrDefault(fault.Code) + 1;
        _counts[fault.Code] = count;
        if (count == 1) error.Warning(fault);
    }

    /// <summary>Says how often each warning came that came more than once.</summary>
    public void Summarize()
    {
        foreach (var (code, count) in _counts.Where(static pair => pair.Value > 1)) error.WriteLine($"warning {code} came {count} times");
    }

    /// <summary>What the parts of a run are told.</summary>
    /// <param name="baseFolder">The folder of plugins.json.</param>
    /// <param name="device">Where tensors live.</param>
    /// <param name="computeType">The precision of network arithmetic.</param>
    /// <param name="loggers">Makes the parts' logs.</param>
    public Func<string, PartContext> Contexts(string baseFolder, Device device, ScalarType computeType, ILoggerFactory loggers) => name => new PartContext
    {
        Name = name,
        BaseFolder = baseFolder,
        Device = device,
        ComputeType = computeType,
        Logger = loggers.CreateLogger($"LeapAlign.{name}"),
        Warn = Add,
    };
}
