using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.State;

/// <summary>A set of weights as a state: the trained ones, their average, a copy of the policy.</summary>
/// <param name="weights">All of them, in order.</param>
/// <param name="moved">Is told that they were loaded; null where nobody keeps what was made of them.</param>
internal sealed class WeightsState(IReadOnlyList<NamedTensor> weights, Action? moved = null) : IStateful
{
    public int StateVersion => 1;

    public PartState Save() => new(StateVersion, weights);

    public Result<Unit> Load(PartState state)
    {
        if (state.Tensors.Count != weights.Count)
            return new Fault.Run(FaultCodes.StateMismatch, $"{state.Tensors.Count} tensors were saved, but the model has {weights.Count} trained weights");
        var loaded = weights.Select(weight => Copy(state, weight)).All().Map(static _ => Unit.Value);
        moved?.Invoke();
        return loaded;
    }

    // Weights that follow others are kept in the precision that their decay needs, which was fp32 whatever it was in versions before, and is another one after an allowed change of the decay.
    private static Result<Unit> Copy(PartState state, NamedTensor weight)
    {
        var saved = state.Tensors.FirstOrDefault(tensor => tensor.Name == weight.Name)?.Value;
        if (saved is null || saved.dtype == weight.Value.dtype || !IsKept(saved) || !IsKept(weight.Value)) return state.CopyTo(weight.Name, weight.Value);
        using var converted = saved.to(weight.Value.dtype);
        return new PartState(state.Version, [new NamedTensor(weight.Name, converted)]).CopyTo(weight.Name, weight.Value);
    }

    private static bool IsKept(Tensor weight) => weight.dtype is ScalarType.Float32 or ScalarType.Float64;
}
