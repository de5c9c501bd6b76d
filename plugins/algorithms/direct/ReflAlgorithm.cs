using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// ReFL (arXiv 2304.05977, algorithm 1): a rollout without gradient up to one of the last steps i, one evaluation with gradient there, and the reward of the clean picture predicted from it,
/// <c>x̂_0 = x_i − σ_i v_i</c>. The gradient is <c>gᵀ(−σ_i) ∂v_i</c>; the rollout ends at i.
/// </summary>
/// <param name="settings">R, λ and κ.</param>
/// <param name="drawStep">Draws i from a key and N.</param>
public sealed class ReflAlgorithm(ReflSettings settings, Func<RandomKey, int, int> drawStep) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Average(Objective);
    }

    private Objective Objective(MicroBatch batch)
    {
        var trained = drawStep(batch.Random.For("step"), batch.Schedule.Steps);
        var state = Reach(batch, trained);
        var predicted = RectifiedFlow.Leap(state, batch.Velocity(state, trained), batch.Schedule.Delta(trained, batch.Schedule.Steps));
        return RewardObjective.Of(batch, predicted, settings, new NamedTensor("step", tensor((long)trained)));
    }

    private static Tensor Reach(MicroBatch batch, int step)
    {
        using var _ = no_grad();
        return batch.Sampler.Roll(batch.Noise, batch.Path with { To = step });
    }
}
