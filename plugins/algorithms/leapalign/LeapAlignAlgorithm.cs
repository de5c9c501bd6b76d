using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign;

/// <summary>
/// LeapAlign (arXiv 2604.15311): the reward's gradient enters the final sample of a real rollout and travels back along two leaps, k → j → 0, carved out
/// of it. With g the gradient at the final sample and J_j the network's Jacobian at x_j, the step descends
/// <c>gᵀ[(σ_j−σ_k) ∂v_k − σ_j ∂v_j − α σ_j (σ_j−σ_k) J_j ∂v_k]</c>, each sample weighted by how well its leaps met the trajectory.
/// </summary>
/// <param name="settings">α, τ, hinge and filters.</param>
/// <param name="drawPair">Draws the anchors from a key and N; see <see cref="LeapPairSampler"/>.</param>
public sealed class LeapAlignAlgorithm(LeapAlignSettings settings, Func<RandomKey, int, LeapPair> drawPair) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return [Objective(step, drawPair(step.Random.For("leaps"), step.Schedule.Steps))];
    }

    private Objective Objective(AlignmentStep step, LeapPair pair)
    {
        var leaps = new Leaps(step, pair, settings.Alpha);
        var reached = Roll(step, leaps);
        var distance0 = RectifiedFlow.Distance(leaps.Predicted0, reached);
        var rewards = step.Score.Run(RectifiedFlow.Connect(leaps.Predicted0, reached));
        var weights = Weights(leaps.DistanceJ, distance0).to(rewards.dtype);
        var kept = Kept(leaps.DistanceJ, distance0).to(rewards.dtype);
        var hinge = (settings.Hinge - rewards).relu() * settings.LossScale;
        var loss = (weights * kept * hinge).sum() / kept.sum().clamp_min(1);
        return new Objective(
            loss,
            new NamedTensor("reward", rewards.detach()),
            new NamedTensor("weight", weights),
            new NamedTensor("distance_j", leaps.DistanceJ),
            new NamedTensor("distance_0", distance0),
            new NamedTensor("kept", kept),
            new NamedTensor("k", tensor(pair.K)),
            new NamedTensor("j", tensor(pair.J)));
    }

    private static Tensor Roll(AlignmentStep step, Leaps leaps)
    {
        using var _ = no_grad();
        return step.Sampler.Roll(step.Noise, step.Schedule, leaps.Velocity);
    }

    /// <summary>1 / (max(d_j, τ) + max(d_0, τ)), [B], without gradient.</summary>
    private Tensor Weights(Tensor distanceJ, Tensor distance0) =>
        (distanceJ.clamp_min(settings.Tau) + distance0.clamp_min(settings.Tau)).reciprocal();

    /// <summary>1 for the samples that pass the hard filters, 0 for the others, [B]. A mask keeps shapes independent of the data.</summary>
    private Tensor Kept(Tensor distanceJ, Tensor distance0)
    {
        var kept = ones_like(distanceJ);
        if (settings.MaxDistanceJ is { } limitJ) kept = kept * distanceJ.le(limitJ);
        if (settings.MaxDistance0 is { } limit0) kept = kept * distance0.le(limit0);
        return kept;
    }
}
