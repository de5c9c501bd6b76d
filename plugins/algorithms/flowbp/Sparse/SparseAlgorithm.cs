using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Quadrature;
using LeapAlign.Methods.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Sparse;

/// <summary>
/// FlowBP-Sparse (arXiv 2606.11075): the final sample is the sum of the path's Euler steps, of which a few active ones S carry gradient, evaluated at states
/// without history. With g the reward's gradient at the final sample the step descends <c>gᵀ f Σ_S Δ_i ∂v_i</c>: no nested terms. f makes up for the steps
/// left out.
/// </summary>
/// <param name="settings">K, bias, rescaling, window and hinge.</param>
/// <param name="drawActive">Draws the active steps from the micro-batch's key and N; see <see cref="SparseSteps"/>.</param>
public sealed class SparseAlgorithm(SparseSettings settings, Func<RandomKey, int, IReadOnlyList<int>> drawActive) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Average(Objective);
    }

    private Objective Objective(MicroBatch batch)
    {
        var schedule = batch.Schedule;
        var active = drawActive(batch.Random, schedule.Steps);
        var window = new SparseSteps(settings).Window(schedule.Steps);
        var factor = ActiveSteps.Factor(schedule, window, active, settings.GradientRescale);
        var path = new QuadraturePath(batch, [QuadratureLeap.AlongSteps(schedule, 0, schedule.Steps, active, factor)], alpha: 0);
        var rewards = batch.Score(path.Follow(settings.Reforward)).Total;
        return new Objective(
            RewardLoss.Hinge(rewards, settings).mean(),
            new Measurement("reward", rewards.detach()),
            new Measurement("distance_0", path.Distances[0]),
            ActiveSteps.Measured(active),
            new Measurement("gradient_factor", tensor(factor)));
    }
}
