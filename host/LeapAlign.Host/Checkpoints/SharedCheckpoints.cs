using LeapAlign.Contracts.State;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Telemetry.Spans;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Checkpoints;

/// <summary>What one process does for checkpoints that all processes of a run write: it copies its share between two steps and writes it while the next ones compute. All processes call the same, in the same order.</summary>
/// <param name="ranks">The processes.</param>
/// <param name="store">Where checkpoints go, as this process sees it.</param>
internal sealed class SharedCheckpoints(RunRanks ranks, CheckpointStore store) : IDisposable
{
    private readonly CheckpointParts _parts = new(store);
    private readonly Snapshot _snapshot = new();
    private readonly BackgroundWriter _writer = new();

    /// <summary>What else ends with it: what holds the folder.</summary>
    public IDisposable? Held { get; init; }

    /// <summary>The step of the newest checkpoint that was begun in this process; null before the first.</summary>
    public int? At { get; private set; }

    /// <summary>Whether a share of some process may still be being written.</summary>
    public bool IsPending { get; private set; }

    /// <summary>How many write.</summary>
    public int World => ranks.World;

    /// <summary>Copies the share of this process and begins to write it. The shares before it are there (<see cref="AreThere"/>).</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="shares">What this process writes of every state.</param>
    public void Begin(int step, IEnumerable<(string Name, IStateful State)> shares)
    {
        var copies = _snapshot.Take(shares);
        (At, IsPending) = (step, true);
        _writer.Begin(() => KernelSpans.WriteShare(step, () => _parts.Write((step, ranks.Rank, ranks.World), copies)).Map(static _ => Unit.Value));
    }

    /// <summary>Whether the shares of all processes are on the disk, in all of them.</summary>
    /// <param name="waits">Whether to wait until they are.</param>
    /// <returns>The fault of a process that could not write.</returns>
    /// <exception cref="FaultException">What ended another process.</exception>
    public Result<bool> AreThere(bool waits)
    {
        if (!IsPending) return true;
        var writes = !waits && _writer.IsWriting;
        if (!writes && !_writer.Wait().TryGet(out _, out var fault))
        {
            IsPending = false;
            return ranks.Fail(fault);
        }
        if (ranks.Any("a share of the checkpoint that is being written", writes)) return false;
        IsPending = false;
        return true;
    }

    public void Dispose()
    {
        _writer.Dispose();
        _snapshot.Dispose();
        Held?.Dispose();
    }
}
