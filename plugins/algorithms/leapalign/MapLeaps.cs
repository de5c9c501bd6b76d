using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Methods.Maps;
using LeapAlign.Methods.Matching;
using LeapAlign.Methods.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign;

/// <summary>
/// LeapAlign on a flow map, whose jumps are leaps: <c>x_k = X_{1→σ_k}(ε)</c> held still, <c>x_j = x_k + (σ_j − σ_k) u_k</c>, <c>x_0 = x_j − σ_j u(y, σ_j, 0)</c> with <c>y = α x_j + (1−α) sg(x_j)</c>. What is leapt to is the sample, so
/// that there is no connector and every weight is 1/(2τ). The gradient is <c>gᵀ[(σ_j−σ_k) ∂u_k − σ_j ∂u_j − α σ_j (σ_j−σ_k) J_j ∂u_k]</c>.
/// </summary>
/// <param name="settings">α, τ, hinge and guards.</param>
/// <param name="step">Keeps the first policy.</param>
/// <param name="batch">The samples.</param>
internal sealed class MapLeaps(LeapAlignSettings settings, AlignmentStep step, MicroBatch batch)
{
    /// <summary>The loss of leaps from σ_k over σ_j to 0.</summary>
    /// <param name="anchors">(σ_k, σ_j), one pair for all samples or one for each.</param>
    public Objective Objective(IReadOnlyList<(double K, double J)> anchors)
    {
        (double From, double To)[] first = [.. anchors.Select(static anchor => (anchor.K, anchor.J))], second = [.. anchors.Select(static anchor => (anchor.J, 0.0))];
        var from = Prefix(anchors);
        var leap = batch.Map(from, first);
        var reached = Jump.Of(from, leap, first);
        var last = batch.Map(RectifiedFlow.ScaleGradient(reached, settings.Alpha), second);
        var sample = Jump.Of(reached, last, second);
        HandOn(sample);
        var rewards = batch.Score(sample).Total;
        var loss = RewardLoss.Hinge(rewards, settings).mean() / (2 * settings.Tau);
        List<Measurement> measured = [new("reward", rewards.detach())];
        if (settings.Consistency > 0)
        {
            var errors = new MapErrors(batch.Map).Semigroup(from, first, [0.5], leap);
            loss = loss + (errors.mean() * settings.Consistency).to(loss.dtype);
            measured.Add(new("consistency", errors.detach()));
        }
        if (settings.MapKl > 0)
        {
            var distance = SampleErrors.Square(leap, First(from, first)) + SampleErrors.Square(last, First(reached.detach(), second));
            loss = loss + (distance.mean() * settings.MapKl).to(loss.dtype);
            measured.Add(new("kl", distance.detach()));
        }
        return new Objective(loss, [.. measured, new("sigma_k", Levels(anchors, static anchor => anchor.K)), new("sigma_j", Levels(anchors, static anchor => anchor.J))]);
    }

    // One jump, and none where the leap begins at the noise.
    private Tensor Prefix(IReadOnlyList<(double K, double J)> anchors)
    {
        using var _ = no_grad();
        var start = batch.Schedule.Sigma(0);
        if (anchors.All(anchor => anchor.K == start)) return batch.Noise.detach();
        (double, double)[] times = [.. anchors.Select(anchor => (start, anchor.K))];
        return Jump.Of(batch.Noise, batch.Map(batch.Noise, times), times).detach();
    }

    private Tensor First(Tensor latents, IReadOnlyList<(double From, double To)> times)
    {
        using var _ = no_grad();
        using var first = step.Use(PolicyCopy.Reference);
        return batch.Map(latents, times).detach();
    }

    // Along a path without steps, so that objectives beside this one learn from the samples.
    private void HandOn(Tensor sample)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        batch.Sampler.Roll(sample.detach(), batch.Path with { From = batch.Schedule.Steps });
    }

    private static Tensor Levels(IReadOnlyList<(double K, double J)> anchors, Func<(double K, double J), double> level) => tensor([.. anchors.Select(level)], dtype: ScalarType.Float64);
}
