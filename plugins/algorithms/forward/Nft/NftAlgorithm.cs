using LeapAlign.Algorithms.Forward.Losses;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Nft;

/// <summary>
/// DiffusionNFT (arXiv 2509.16117): around the old policy, which samples, the trained one defines a positive policy and its mirror image; good samples are to
/// be matched by the first, bad ones by the second. With <c>v = v_old</c> the step is flow matching with the factor 2r − 1.
/// </summary>
/// <param name="settings">β, training times and how the old policy follows.</param>
public sealed class NftAlgorithm(NftSettings settings) : IAlgorithm
{
    /// <summary>The copy that samples.</summary>
    internal const string Old = "old";

    private readonly ForwardProcess _process = new("nft", settings);

    /// <inheritdoc/>
    public IReadOnlyList<PolicyCopy> Copies { get; } = [new(Old, DecaySchedule.Parse(settings.OldDecay).At)];

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape) => _process.Check(shape);

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <summary>
    /// <c>[r e(v⁺) + (1−r) e(v⁻)] A_max / β</c>, [B], with <c>v⁺ = β v + (1−β) v_old</c>, <c>v⁻ = (1+β) v_old − β v</c> and e the adaptive error of the data
    /// that a velocity predicts.
    /// </summary>
    /// <param name="at">x_σ.</param>
    /// <param name="velocity">v.</param>
    /// <param name="old">v_old, a constant.</param>
    /// <param name="optimality">r, [B], fp64.</param>
    internal Tensor Losses(NoisedSamples at, Tensor velocity, Tensor old, Tensor optimality)
    {
        using TorchSharp.Scalar beta = settings.Beta, scale = settings.AdvantageLimit / settings.Beta, one = 1;
        var away = (velocity - old).mul(beta);
        var positive = SampleErrors.Adaptive(at.Data(old + away), at.Clean);
        var negative = SampleErrors.Adaptive(at.Data(old - away), at.Clean);
        return ((optimality * positive) + (optimality.neg().add(one) * negative)).mul(scale);
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        var points = _process.Points(CleanSamples.Roll(step, Old, settings));
        foreach (var objective in ForwardProcess.Descend(points, _process.Updates(step, points), point => Objective(step, point))) yield return objective;
    }

    private Objective Objective(AlignmentStep step, TrainingPoint point)
    {
        var at = point.Noised();
        var old = PolicyVelocity.OfCopy(step, Old, at, point.Batch, settings.Guided);
        var velocity = PolicyVelocity.Of(at, point.Batch, settings.Guided);
        var optimality = point.Vector(Optimality.Of(point.Samples.Advantages, settings.AdvantageLimit, settings.Advantages));
        var losses = Losses(at, velocity, old, optimality);
        List<Measurement> measurements =
        [
            new("advantage", point.Vector(point.Samples.Advantages)),
            new("policy_loss", losses.detach()),
            new("old_distance", SampleErrors.Square(velocity.detach(), old)),
        ];
        if (settings.KlWeight > 0)
        {
            var kl = SampleErrors.Square(velocity, PolicyVelocity.OfCopy(step, PolicyCopy.Reference, at, point.Batch, settings.Guided));
            losses = losses + (kl * settings.KlWeight);
            measurements.Add(new("kl", kl.detach()));
        }
        return point.Mean(losses, measurements);
    }
}
