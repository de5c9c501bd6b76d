using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// DRTune (arXiv 2405.00760): the network's inputs are always detached, so the gradient travels along the sampler's linear state update alone, without nested
/// Jacobians, and reaches early steps undamped. With g the gradient at <c>x̂_0 = x_e − σ_e v_e</c> an Euler step descends
/// <c>gᵀ[Σ_{i∈T, i&lt;e} (σ_{i+1} − σ_i) ∂v_i − 1[e∈T] σ_e ∂v_e]</c>.
/// </summary>
/// <param name="settings">Hinge; what the draw depends on.</param>
/// <param name="draw">Draws the stop e and the trained set T from a key and N; see <see cref="DrtuneSteps.Draw"/>.</param>
public sealed class DrtuneAlgorithm(DrtuneSettings settings, Func<RandomKey, int, DrtuneSteps> draw) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Average(Objective);
    }

    private Objective Objective(MicroBatch batch)
    {
        var steps = batch.Schedule.Steps;
        var choice = draw(batch.Random.For("steps"), steps);
        var state = batch.Sampler.Roll(batch.Noise, batch.Path with { Velocity = Velocity, To = choice.Stop });
        var predicted = RectifiedFlow.Leap(state, Velocity(state, choice.Stop), batch.Schedule.Delta(choice.Stop, steps));
        return RewardObjective.Of(
            batch, predicted, settings, RewardObjective.Number("stop", choice.Stop), RewardObjective.Number("trained", choice.Trained.Count));

        Tensor Velocity(Tensor latents, int index)
        {
            using var _ = set_grad_enabled(choice.Trained.Contains(index));
            using var still = latents.detach();
            return batch.Velocity(still, index);
        }
    }
}
