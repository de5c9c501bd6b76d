using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Pairs;

/// <summary>Which states of a rollout are kept behind its noise.</summary>
/// <param name="Name">What they are, for <c>pairs.json</c>.</param>
/// <param name="Count">How many, n.</param>
/// <param name="Roll">Makes them from noise [m, ...], by the policy that is in use: [m, n, ...].</param>
internal sealed record KeptStates(string Name, int Count, Func<MicroBatch, Tensor, Tensor> Roll);

/// <summary>A rollout for each sample of a micro-batch.</summary>
/// <param name="Batch">The samples.</param>
/// <param name="States">The states behind the noise, [B, n, ...].</param>
/// <param name="Noise">ε that leads to them, [B, ...].</param>
internal sealed record KeptPairs(MicroBatch Batch, Tensor States, Tensor Noise)
{
    /// <summary>x_0, where each rollout ends, [B, ...].</summary>
    public Tensor Samples => States.select(1, States.shape[1] - 1);

    /// <summary>A state of each rollout, [B, ...].</summary>
    /// <param name="places">0 is the noise, n the last.</param>
    public Tensor At(IReadOnlyList<int> places) => stack(places.Select((place, sample) => place == 0 ? Noise.select(0, sample) : States.select(0, sample).select(0, place - 1)));

    /// <summary>Nothing of a path without steps is evaluated: the sampler hands the samples on, and objectives beside this one learn from them as from a rollout.</summary>
    public void HandOn()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Batch.Sampler.Roll(Samples, Batch.Path with { From = Batch.Schedule.Steps });
    }
}
