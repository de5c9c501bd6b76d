using LeapAlign.Host.Commands;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs;

/// <summary>Warnings of a run, shown when they first come and counted by code.</summary>
internal sealed class Warnings(TextWriter error) : IRunObserver
{
    private readonly Dictionary<string, int> _counts = [];

    /// <summary>Takes a warning.</summary>
    public void Add(Fault fault)
    {
        var count = _counts.GetValueOrDefault(fault.Code) + 1;
        _counts[fault.Code] = count;
        if (count == 1) error.Warning(fault);
    }

    /// <inheritdoc/>
    public Result<Unit> Warned(int step, Fault fault)
    {
        Add(fault);
        return Unit.Value;
    }

    /// <summary>Says how often each warning came that came more than once.</summary>
    public void Summarize()
    {
        foreach (var (code, count) in _counts.Where(static pair => pair.Value > 1)) error.WriteLine($"warning {code} came {count} times");
    }
}
