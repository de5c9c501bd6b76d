using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.State;

/// <summary>A set of weights as a state: the trained ones, their average, a copy of the policy.</summary>
/// <param name="weights">All of them, in order.</param>
internal sealed class WeightsState(IReadOnlyList<NamedTensor> weights) : IStateful
{
    public int StateVersion => 1;

    public PartState Save() => new(StateVersion, weights);

    public Result<Unit> Load(PartState state)
    {
        if (state.Tensors.Count != weights.Count)
            return new Fault.Run(FaultCodes.StateMismatch, $"{state.Tensors.Count} tensors were saved, but the model has {weights.Count} trained weights");
        return weights.Select(weight => state.CopyTo(weight.Name, weight.Value)).All().Map(static _ => Unit.Value);
    }
}
