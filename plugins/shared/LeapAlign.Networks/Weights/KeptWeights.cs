using static TorchSharp.torch;

namespace LeapAlign.Networks.Weights;

/// <summary>
/// Some weights of a network as they are now, to compute with later whatever they have become: trained ones in the precision of the network's arithmetic, frozen ones where they are. While it is in use, no
/// adapter is attached to the network's layers, and no policy stands in the place of the kept weights.
/// </summary>
public sealed class KeptWeights : IDisposable
{
    private readonly WeightSet _set;
    private readonly Tensor?[] _values;

    internal KeptWeights(WeightSet set, IReadOnlyList<Weight> kept, ScalarType type)
    {
        _set = set;
        var chosen = kept.ToHashSet();
        // A copy also where the precision is that of the master, which goes on learning.
        using var _ = no_grad();
        _values = [.. set.Parameters.Select(weight => weight.IsTrained && chosen.Contains(weight) ? weight.Master.detach().to(type, copy: true).DetachFromDisposeScope() : null)];
    }

    /// <summary>Computes with them until the returned object is disposed, then as before. What is not kept must not be computed with.</summary>
    public IDisposable Use()
    {
        var attached = _set.Sites.Select(static site => (Site: site, site.Adapter)).Where(static pair => pair.Adapter is not null).ToArray();
        foreach (var (site, _) in attached) site.Detach();
        var use = _set.Use(_values);
        return new Leave(() =>
        {
            use.Dispose();
            foreach (var (site, adapter) in attached) site.Attach(adapter!);
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var value in _values) value?.Dispose();
    }

    private sealed class Leave(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
