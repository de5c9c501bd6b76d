using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Leaps;
using LeapAlign.Methods.Quadrature;
using LeapAlign.Methods.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Lagrange;

/// <summary>
/// FlowBP-Lagrange (arXiv 2606.11075): LeapAlign with leaps by polynomial quadrature over velocities of the rollout in place of Euler leaps. With
/// <c>g_1 = λ_a Σ_{P_1} a_m W_m ∂v_m + (1−λ_a)(σ_j−σ_k) ∂v_k</c>, a_m the gradient factor of a support and w a sample's similarity weight, the step descends
/// <c>gᵀ w [g_1 + Σ_{P_2} a_m W_m ∂v_m + α a_j W_j J_j g_1]</c>.
/// </summary>
/// <param name="settings">Order, weights, active supports, α, τ, anchors and hinge.</param>
/// <param name="drawPair">Draws k and j from the micro-batch's key and N; see <see cref="LagrangeSteps"/>.</param>
public sealed class LagrangeAlgorithm(LagrangeSettings settings, Func<RandomKey, int, LeapPair> drawPair) : IAlgorithm
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
        return new LagrangeSteps(settings).Check(shape.Schedule.Steps);
    }

    private Objective Objective(MicroBatch batch)
    {
        var schedule = batch.Schedule;
        var (k, j) = drawPair(batch.Random, schedule.Steps);
        var first = new LagrangeLeap(schedule, k, j, settings, settings.AnchorLambda);
        var second = new LagrangeLeap(schedule, j, schedule.Steps, settings, anchor: 1);
        var path = new QuadraturePath(batch, [first.Path, second.Path], settings.Alpha);
        var sample = path.Follow(settings.Reforward);
        var weights = TrajectorySimilarity.Weight(path.Distances[0], path.Distances[1], settings.Tau);
        var rewards = batch.Score(sample).Total;
        weights = weights.to(rewards.dtype);
        return new Objective(
            (weights * RewardLoss.Hinge(rewards, settings)).mean(),
            [
                new("reward", rewards.detach()),
                new("weight", weights),
                new("distance_j", path.Distances[0]),
                new("distance_0", path.Distances[1]),
                .. Measurement.Pair(("k", tensor((long)k)), ("j", tensor((long)j))),
                ActiveSteps.Measured([.. first.Active, .. second.Active]),
                .. Measured(first, "j"),
                .. Measured(second, "0"),
            ]);
    }

    private static Measurement[] Measured(LagrangeLeap leap, string end) =>
    [
        new($"gradient_factor_{end}", tensor(leap.Factor)),
        new($"start_weight_{end}", tensor(leap.StartWeight)),
        new($"weight_sum_{end}", tensor(leap.WeightSum)),
    ];
}
