using System.Diagnostics;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Leaps;
using LeapAlign.Methods.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign;

/// <summary>
/// LeapAlign (arXiv 2604.15311): the reward's gradient enters the final sample of a real rollout and travels back along two leaps, k → j → 0, carved out
/// of it. With g the gradient at the final sample and J_j the network's Jacobian at x_j, the step descends
/// <c>gᵀ[(σ_j−σ_k) ∂v_k − σ_j ∂v_j − α σ_j (σ_j−σ_k) J_j ∂v_k]</c>, each sample weighted by how well its leaps met the trajectory. Further pairs of leaps
/// share the rollout, the decoder and the reward: the loss is the mean over pairs.
/// </summary>
/// <param name="settings">α, τ, hinge, filters and the number of pairs.</param>
/// <param name="drawPair">Draws the anchors from a key and N; see <see cref="LeapPairSampler"/>.</param>
/// <param name="spans">Starts the spans of the anchors; null starts none.</param>
public sealed class LeapAlignAlgorithm(LeapAlignSettings settings, Func<RandomKey, int, LeapPair> drawPair, ActivitySource? spans = null) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return settings.Map == MapLeapKind.None ? step.Average(Objective) : step.Average(batch => new MapLeaps(settings, step, batch).Objective(Anchors(batch)));
    }

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (settings.Map != MapLeapKind.None && Unfit() is { } setting)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'leapalign' leaps by the jumps of a flow map (map), where {setting} means nothing: leave it out");
        return settings.Map == MapLeapKind.Continuous ? Unit.Value : new LeapPairSampler("leapalign", settings).Window(shape.Schedule.Steps).Map(static _ => Unit.Value);
    }

    private string? Unfit() => settings.Pairs > 1 ? "pairs" : settings.MaxDistanceJ is not null ? "maxDistanceJ" : settings.MaxDistance0 is not null ? "maxDistance0" : null;

    // Each sample's own where they may lie anywhere, so that they do not depend on how a step is cut; below the noise, and the first above the second.
    private (double K, double J)[] Anchors(MicroBatch batch)
    {
        if (settings.Map == MapLeapKind.Steps)
        {
            var pair = drawPair(batch.Random.For("leaps"), batch.Schedule.Steps);
            return [(batch.Schedule.Sigma(pair.K), batch.Schedule.Sigma(pair.J))];
        }
        return
        [
            .. batch.Samples.Select(sample =>
            {
                var key = batch.StepKey.For("sample", sample).For("algorithm").For("leaps").Open();
                var (one, other) = (key.NextDouble() * batch.Schedule.Sigma(0), key.NextDouble() * batch.Schedule.Sigma(0));
                return (Math.Max(one, other), Math.Min(one, other));
            }),
        ];
    }

    /// <summary>The first pair's key has no number, so that one pair is the same whether or not others follow it.</summary>
    private LeapPair[] Pairs(MicroBatch batch) =>
        [.. Enumerable.Range(0, settings.Pairs).Select(pair => drawPair(pair == 0 ? batch.Random.For("leaps") : batch.Random.For("leaps", pair), batch.Schedule.Steps))];

    private Objective Objective(MicroBatch batch)
    {
        var pairs = Pairs(batch);
        var leaps = new Leaps(batch, pairs, settings.Alpha) { Spans = spans };
        var reached = Roll(batch, leaps);
        var distancesJ = stack(pairs.Select((_, pair) => leaps.DistanceJ(pair)));
        var distances0 = stack(pairs.Select((_, pair) => RectifiedFlow.Distance(leaps.Predicted0(pair), reached)));
        var kept = Kept(distancesJ, distances0);
        var weights = TrajectorySimilarity.Weight(distancesJ, distances0, settings.Tau);
        var active = weights * kept;
        var total = active.sum([0]);
        // All pairs predict the same sample, so the reward is evaluated once: its gradient goes to each prediction in proportion to its weight.
        var shares = (active / total.clamp_min(1e-300)).to(reached.dtype);
        var predicted = pairs.Select((_, pair) => Scaled(leaps.Predicted0(pair), shares[pair])).Aggregate(static (sum, next) => sum + next);
        var rewards = batch.Score(RectifiedFlow.Connect(predicted, reached)).Total;
        var loss = (total.to(rewards.dtype) * RewardLoss.Hinge(rewards, settings)).sum() / kept.to(rewards.dtype).sum().clamp_min(1);
        return new Objective(
            loss,
            [
                new("reward", rewards.detach()),
                new("weight", weights.mean([0]).to(rewards.dtype)),
                new("distance_j", distancesJ.mean([0])),
                new("distance_0", distances0.mean([0])),
                new("kept", kept),
                .. Measurement.Pair(
                    ("k", tensor(pairs.Select(static pair => (long)pair.K).ToArray())),
                    ("j", tensor(pairs.Select(static pair => (long)pair.J).ToArray()))),
            ]);
    }

    private static Tensor Roll(MicroBatch batch, Leaps leaps)
    {
        using var _ = no_grad();
        return batch.Sampler.Roll(batch.Noise, batch.Path with { Velocity = leaps.Velocity });
    }

    private static Tensor Scaled(Tensor value, Tensor share) => value * share.reshape([-1, .. Enumerable.Repeat(1L, (int)value.dim() - 1)]);

    /// <summary>1 for the samples that pass the hard filters, 0 for the others, [P, B]. A mask keeps shapes independent of the data.</summary>
    private Tensor Kept(Tensor distancesJ, Tensor distances0)
    {
        var kept = ones_like(distancesJ);
        if (settings.MaxDistanceJ is { } limitJ) kept = kept * distancesJ.le(limitJ);
        if (settings.MaxDistance0 is { } limit0) kept = kept * distances0.le(limit0);
        return kept;
    }
}
