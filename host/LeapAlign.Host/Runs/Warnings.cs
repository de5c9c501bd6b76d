using LeapAlign.Host.Commands;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs;

/// <summary>
/// Warnings of a run, shown when they first come and counted by code and place: those of one kind that come with every step are one, and those of two keys of a file are two.
/// </summary>
internal sealed class Warnings(TextWriter error) : IRunObserver, IRankWarnings
{
    private readonly List<Fault> _new = [];

    // Parts warn from any thread.
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Code, SourcePlace? Place), (Fault First, int Count)> _counts = [];

    /// <summary>Every code that came, with its first warning at each place.</summary>
    public IReadOnlyList<WarningRecord> All
    {
        get
        {
            lock (_lock) return [.. _counts.Values.Select(static seen => new WarningRecord(seen.First.Code, seen.First.Place?.ToString(), seen.First.Message, seen.Count))];
        }
    }

    /// <summary>Takes a warning.</summary>
    public void Add(Fault fault)
    {
        lock (_lock)
        {
            var (first, count) = _counts.GetValueOrDefault((fault.Code, fault.Place), (fault, 0));
            _counts[(fault.Code, fault.Place)] = (first, count + 1);
            if (count > 0) return;
            error.Warning(fault);
            _new.Add(fault);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Fault> TakeNew()
    {
        lock (_lock)
        {
            Fault[] taken = [.. _new];
            _new.Clear();
            return taken;
        }
    }

    /// <inheritdoc/>
    public void Hear(Fault fault)
    {
        lock (_lock)
        {
            // What all processes warn of alike is told once.
            if (_counts.TryGetValue((fault.Code, fault.Place), out var own) && own.First.Message == fault.Message) return;
            Add(fault);
        }
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
        foreach (var warning in All.Where(static warning => warning.Count > 1)) error.WriteLine($"warning {warning.Code}{(warning.Place is null ? "" : $" of {warning.Place}")} came {warning.Count} times");
    }
}
