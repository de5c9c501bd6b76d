using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// The exact gradient through the last K steps of a path, one step at a time. A rollout without gradient keeps the states; the reward's loss is differentiated with respect to the final
/// sample; then, backwards, each step is evaluated again from its state and <c>⟨g_{i+1}, x_{i+1}(x_i, θ)⟩</c> gives its share of ∂θ and <c>g_i</c>. Memory is that of one step, and of K states.
/// The steps are taken one by one in both directions, so a multistep sampler takes its first-order steps.
/// </summary>
internal static class AdjointSweep
{
    /// <summary>One objective for the loss and one for each step. The loss of the latter is 0, its gradient is what counts.</summary>
    /// <param name="step">Keeps what lives from one objective to the next.</param>
    /// <param name="batch">One of its micro-batches.</param>
    /// <param name="gradientSteps">K.</param>
    /// <param name="settings">λ and κ.</param>
    public static IEnumerable<Objective> Descend(AlignmentStep step, MicroBatch batch, int gradientSteps, RewardLossSettings settings)
    {
        var (steps, first) = (batch.Schedule.Steps, batch.Schedule.Steps - gradientSteps);
        var states = Rollout(step, batch, first);
        var leaf = step.Keep(states[^1].detach().requires_grad_());
        yield return RewardObjective.Of(batch, leaf, settings).Times(1.0 / step.Batches.Count);
        for (var index = steps - 1; index >= first; index--)
        {
            // The share of the micro-batch is in the gradient already.
            using var gradient = leaf.grad ?? zeros_like(leaf);
            leaf.Dispose();
            leaf = step.Keep(states[index - first].detach().requires_grad_());
            yield return Pulled(batch, leaf, index, gradient);
        }
        leaf.Dispose();
    }

    /// <summary>The states from <paramref name="first"/> to the final sample.</summary>
    private static List<Tensor> Rollout(AlignmentStep step, MicroBatch batch, int first)
    {
        using var _ = no_grad();
        List<Tensor> states = [step.Keep(batch.Sampler.Roll(batch.Noise, batch.Path with { To = first }))];
        for (var index = first; index < batch.Schedule.Steps; index++)
            states.Add(step.Keep(batch.Sampler.Roll(states[^1], batch.Path with { From = index, To = index + 1 })));
        return states;
    }

    private static Objective Pulled(MicroBatch batch, Tensor leaf, int index, Tensor gradient)
    {
        var product = (batch.Sampler.Roll(leaf, batch.Path with { From = index, To = index + 1 }) * gradient).sum();
        return new Objective(product - product.detach());
    }
}
