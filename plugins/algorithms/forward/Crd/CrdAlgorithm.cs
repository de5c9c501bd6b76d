using LeapAlign.Algorithms.Forward.Losses;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Crd;

/// <summary>
/// Centred reward distillation (arXiv 2603.14128): how much better than the old policy the trained one matches a sample is its implicit reward, which is to
/// equal the sample's reward, both centred.
/// </summary>
/// <param name="settings">β, centring, and how the lagged policies follow.</param>
public sealed class CrdAlgorithm(CrdSettings settings) : IAlgorithm
{
    /// <summary>The policy of the implicit reward.</summary>
    internal const string Old = "old";

    /// <summary>The policy that samples.</summary>
    internal const string Sampling = "sampling";

    private readonly ForwardProcess _process = new("crd", settings);

    /// <inheritdoc/>
    public IReadOnlyList<PolicyCopy> Copies { get; } =
        [new(Old, DecaySchedule.Parse(settings.OldDecay).At), new(Sampling, DecaySchedule.Parse(settings.SamplingDecay).At)];

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape) => _process.Check(shape);

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <summary>
    /// The loss of the policy, [B]: <c>(β R^c − r^c)² A_max / β</c>, or the cross-entropy of <c>σ(β R^c)</c> against r; with several means to centre by, the
    /// mean over them.
    /// </summary>
    /// <param name="implicitReward">R, [B]; what is subtracted from it carries no gradient.</param>
    /// <param name="optimality">r of each sample.</param>
    /// <param name="groups">Samples with the same number are a group.</param>
    internal Tensor Losses(Tensor implicitReward, double[] optimality, IReadOnlyList<int> groups)
    {
        var target = tensor(optimality, dtype: ScalarType.Float64).to(implicitReward.device);
        var centerings = RewardCentering.Of(settings, optimality, groups, implicitReward.device);
        var losses = centerings.Select(means =>
        {
            var centred = (implicitReward - means.matmul(implicitReward.detach())) * settings.Beta;
            // −r ln σ(z) − (1−r) ln σ(−z) = ln(1 + e^z) − r z.
            return settings.Match == RewardMatch.CrossEntropy
                ? nn.functional.softplus(centred) - (target * centred)
                : (centred - (target - means.matmul(target))).square();
        });
        return losses.Aggregate(static (sum, next) => sum + next) * (settings.AdvantageLimit / settings.Beta / centerings.Count);
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        var points = _process.Points(CleanSamples.Roll(step, Sampling, settings));
        foreach (var objective in ForwardProcess.Descend(points, _process.Updates(step, points), point => Objective(step, point))) yield return objective;
    }

    private Objective Objective(AlignmentStep step, TrainingPoint point)
    {
        var at = point.Noised();
        var old = PolicyVelocity.OfCopy(step, Old, at, point.Batch, settings.Guided);
        var velocity = PolicyVelocity.Of(at, point.Batch, settings.Guided);
        var optimality = Optimality.Of(point.Samples.Advantages, settings.AdvantageLimit, settings.Advantages);
        var implicitReward = SampleErrors.Adaptive(old, at.Target) - SampleErrors.Adaptive(velocity, at.Target);
        var losses = Losses(implicitReward, optimality, [.. point.Batch.Prompts.Select(static prompt => prompt.Id)]);
        List<Measurement> measurements =
        [
            new("advantage", point.Vector(point.Samples.Advantages)),
            new("implicit_reward", implicitReward.detach()),
            new("policy_loss", losses.detach()),
        ];
        if (settings.KlWeight > 0)
        {
            var kl = SampleErrors.Square(velocity, PolicyVelocity.OfCopy(step, PolicyCopy.Reference, at, point.Batch, settings.ReferenceGuided));
            losses = losses + (kl * point.Vector(Array.ConvertAll(optimality, KlWeight)));
            measurements.Add(new("kl", kl.detach()));
        }
        return point.Mean(losses, measurements);
    }

    /// <summary><c>kl_β (m + r (1−m))</c>, with m = 1e-4 / kl_β so that the worst sample counts 1e-4; m = 1 when the weight is the same for all.</summary>
    private double KlWeight(double optimality)
    {
        const double least = 1e-4;
        var share = settings.RewardAdaptiveKl ? Math.Min(1, least / settings.KlWeight) : 1;
        return settings.KlWeight * (share + (optimality * (1 - share)));
    }
}
