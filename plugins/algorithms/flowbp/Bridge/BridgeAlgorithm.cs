using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Quadrature;
using LeapAlign.Methods.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Bridge;

/// <summary>
/// FlowBP-Bridge (arXiv 2606.11075): as FlowBP-Sparse, with one nested path. The active steps before j also reach the final sample through the network's
/// input at j, discounted by α: with J_j the network's Jacobian at x_j the step descends
/// <c>gᵀ f [Σ_S Δ_i ∂v_i + α f Δ_j J_j Σ_{S, i &lt; j} Δ_i ∂v_i]</c>.
/// </summary>
/// <param name="settings">K, bias, rescaling, α, anchors and hinge.</param>
/// <param name="draw">Draws j and the active steps from the micro-batch's key and N; see <see cref="BridgeSteps"/>.</param>
public sealed class BridgeAlgorithm(BridgeSettings settings, Func<RandomKey, int, BridgeChoice> draw) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Average(Objective);
    }

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return new BridgeSteps(settings).Check(shape.Schedule.Steps);
    }

    private Objective Objective(MicroBatch batch)
    {
        var schedule = batch.Schedule;
        var (j, active) = draw(batch.Random, schedule.Steps);
        var factor = ActiveSteps.Factor(schedule, new BridgeSteps(settings).Window(schedule.Steps), active, settings.GradientRescale);
        var path = new QuadraturePath(
            batch,
            [
                QuadratureLeap.AlongSteps(schedule, 0, j, active, factor),
                QuadratureLeap.AlongSteps(schedule, j, schedule.Steps, active, factor),
            ],
            settings.Alpha);
        var rewards = batch.Score(path.Follow(settings.Reforward)).Total;
        return new Objective(
            RewardLoss.Hinge(rewards, settings).mean(),
            new Measurement("reward", rewards.detach()),
            new Measurement("distance_j", path.Distances[0]),
            new Measurement("distance_0", path.Distances[1]),
            Measurement.Choice("j", tensor((long)j)),
            ActiveSteps.Measured(active),
            new Measurement("gradient_factor", tensor(factor)));
    }
}
