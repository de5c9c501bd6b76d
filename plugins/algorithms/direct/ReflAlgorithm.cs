using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// ReFL (arXiv 2304.05977): a rollout without gradient to a late step i, one evaluation with gradient there, and the reward on the posterior mean
/// <c>x̂_0 = x_i − σ_i v_i</c>. With g the gradient at x̂_0 the step descends <c>−σ_i gᵀ ∂v_i</c>.
/// </summary>
/// <param name="settings">Hinge and window.</param>
/// <param name="drawStep">Draws i from a key and N; see <see cref="Draw"/>.</param>
public sealed class ReflAlgorithm(ReflSettings settings, Func<RandomKey, int, int> drawStep) : IAlgorithm
{
    /// <summary>Draws <c>i = N − r</c> with r uniform in {1, …, R}.</summary>
    /// <param name="settings">R.</param>
    /// <param name="key">The key of the draw.</param>
    /// <param name="steps">N.</param>
    public static int Draw(ReflSettings settings, RandomKey key, int steps)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(key);
        return steps - key.Open().NextInt(1, settings.Window(steps) + 1);
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Average(Objective);
    }

    private Objective Objective(MicroBatch batch)
    {
        var steps = batch.Schedule.Steps;
        var index = drawStep(batch.Random.For("step"), steps);
        var state = StillPath.To(batch, index);
        var predicted = RectifiedFlow.Leap(state, batch.Velocity(state, index), batch.Schedule.Delta(index, steps));
        return RewardObjective.Of(batch, predicted, settings, RewardObjective.Number("step", index));
    }
}
