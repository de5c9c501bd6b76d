using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// DRTune (arXiv 2405.00760): inputs of the network are always detached, so that gradient travels along the linear updates of the state alone. The rollout stops early at e, a few steps of it are
/// trained, and the reward is that of <c>x̂_0 = x_e − σ_e v_e</c>: <c>gᵀ[Σ_{i trained, i&lt;e} Δ_i ∂v_i − [e trained] σ_e ∂v_e]</c>.
/// </summary>
/// <param name="settings">λ and κ.</param>
/// <param name="draw">Draws the stop and the trained steps from a key and N.</param>
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
        var (stop, trained) = draw(batch.Random.For("steps"), batch.Schedule.Steps);
        // With gradients on, the sampler's updates keep the graph from one state to the next.
        var state = batch.Sampler.Roll(batch.Noise, batch.Path with { To = stop, Velocity = Detached });
        var predicted = RectifiedFlow.Leap(state, Detached(state, stop), batch.Schedule.Delta(stop, batch.Schedule.Steps));
        return RewardObjective.Of(batch, predicted, settings, new NamedTensor("stop", tensor((long)stop)));

        Tensor Detached(Tensor latents, int index)
        {
            using var mode = set_grad_enabled(trained.Contains(index));
            return batch.Velocity(latents.detach(), index);
        }
    }
}
