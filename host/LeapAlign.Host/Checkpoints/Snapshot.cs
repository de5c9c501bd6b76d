using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using static TorchSharp.torch;

namespace LeapAlign.Host.Checkpoints;

/// <summary>
/// Copies of all states, in main memory, which the next step may go on beside. The memory is made with the first and used again, so there is one snapshot at
/// a time.
/// </summary>
internal sealed class Snapshot : IDisposable
{
    private readonly Dictionary<(string State, string Name), Tensor> _copies = [];

    /// <summary>Copies states as they are now.</summary>
    public IReadOnlyDictionary<string, PartState> Take(IEnumerable<(string Name, IStateful State)> states)
    {
        using var _ = no_grad();
        return states.ToDictionary(static state => state.Name, state => Copy(state.Name, state.State.Save()), StringComparer.Ordinal);
    }

    public void Dispose()
    {
        foreach (var copy in _copies.Values) copy.Dispose();
        _copies.Clear();
    }

    private PartState Copy(string name, PartState state) => new(
        state.Version,
        [.. state.Tensors.Select(tensor => new NamedTensor(tensor.Name, Copy((name, tensor.Name), tensor.Value)))],
        new Dictionary<string, double>(state.Numbers, StringComparer.Ordinal));

    private Tensor Copy((string State, string Name) key, Tensor value)
    {
        if (!_copies.TryGetValue(key, out var copy) || copy.dtype != value.dtype || !copy.shape.SequenceEqual(value.shape))
        {
            copy?.Dispose();
            copy = empty(value.shape, dtype: value.dtype, device: CPU).DetachFromDisposeScope();
            _copies[key] = copy;
        }
        copy.copy_(value);
        return copy;
    }
}
