using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.State;

/// <summary>Named tensors and numbers that a part keeps between steps. It does not own the tensors.</summary>
/// <param name="version">The version of this form.</param>
/// <param name="tensors">Tensors of any shape and type, on any device, each under a name of its own.</param>
/// <param name="numbers">Numbers, kept to the bit; integers up to 2^53.</param>
public sealed class PartState(int version, IReadOnlyList<NamedTensor> tensors, IReadOnlyDictionary<string, double>? numbers = null)
{
    private readonly Dictionary<string, Tensor> _byName = tensors.ToDictionary(static tensor => tensor.Name, static tensor => tensor.Value, StringComparer.Ordinal);

    /// <summary>The version of the form.</summary>
    public int Version => version;

    /// <summary>The tensors, in order.</summary>
    public IReadOnlyList<NamedTensor> Tensors => tensors;

    /// <summary>The numbers.</summary>
    public IReadOnlyDictionary<string, double> Numbers { get; } = numbers ?? new Dictionary<string, double>();

    /// <summary>Copies a saved tensor into one of the part's own.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="target">Of the same shape and type; it may be on another device.</param>
    /// <returns><see cref="FaultCodes.StateMismatch"/> when it was not saved, or with another shape or type.</returns>
    public Result<Unit> CopyTo(string name, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (!_byName.TryGetValue(name, out var saved)) return Mismatch($"the tensor '{name}' was not saved");
        if (saved.dtype != target.dtype || !saved.shape.SequenceEqual(target.shape))
            return Mismatch($"the tensor '{name}' was saved as {saved.dtype} [{string.Join(", ", saved.shape)}], but is {target.dtype} [{string.Join(", ", target.shape)}] here");
        using var _ = no_grad();
        target.copy_(saved);
        return Unit.Value;
    }

    /// <summary>A saved number.</summary>
    /// <returns><see cref="FaultCodes.StateMismatch"/> when it was not saved.</returns>
    public Result<double> Number(string name) => Numbers.TryGetValue(name, out var value) ? value : Mismatch($"the number '{name}' was not saved");

    private static Fault Mismatch(string message) => new Fault.Run(FaultCodes.StateMismatch, message);
}
