using static TorchSharp.torch;

namespace LeapAlign.Contracts.Weights;

/// <summary>
/// Values for the trained parameters that a network can compute with in their place: a moving average, a lagged copy, the reference, a checkpoint's. It does not
/// own the tensors; whoever changes them says so (<see cref="Moved"/>).
/// </summary>
/// <param name="name">What it is, for messages.</param>
/// <param name="values">One tensor for each parameter, in order; fp32 or fp64.</param>
public sealed class Policy(string name, IReadOnlyList<Tensor> values) : IDisposable
{
    private readonly Dictionary<object, IDisposable> _derived = new(ReferenceEqualityComparer.Instance);

    /// <summary>What it is, for messages.</summary>
    public string Name => name;

    /// <summary>One tensor for each parameter, in order.</summary>
    public IReadOnlyList<Tensor> Values => values;

    /// <summary>
    /// What a network made of the values, copies in the precision of its arithmetic for instance: made on the first call, kept until the values move.
    /// </summary>
    /// <param name="owner">Whoever makes it.</param>
    /// <param name="make">Makes it; the policy disposes it.</param>
    public T Derived<T>(object owner, Func<T> make)
        where T : IDisposable
    {
        ArgumentNullException.ThrowIfNull(make);
        if (_derived.TryGetValue(owner, out var known)) return (T)known;
        var made = make();
        _derived[owner] = made;
        return made;
    }

    /// <summary>The values have changed. Not while the policy is in use.</summary>
    public void Moved()
    {
        foreach (var derived in _derived.Values) derived.Dispose();
        _derived.Clear();
    }

    /// <summary>Disposes what was derived; the values stay with their owner.</summary>
    public void Dispose() => Moved();
}
