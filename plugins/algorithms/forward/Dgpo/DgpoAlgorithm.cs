using LeapAlign.Algorithms.Forward.Losses;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Dgpo;

/// <summary>
/// Direct group preference optimisation (arXiv 2510.08425): the flow-matching errors of a whole group, weighted by advantages, all under one noise; a group that
/// the policy already orders better than the reference counts less.
/// </summary>
/// <param name="settings">β, clip and the reference.</param>
public sealed class DgpoAlgorithm(DgpoSettings settings) : IAlgorithm
{
    /// <summary>The fast moving average.</summary>
    internal const string Old = "old";

    private readonly ForwardProcess _process = new("dgpo", settings);

    /// <inheritdoc/>
    public IReadOnlyList<PolicyCopy> Copies { get; } =
        settings.Clip is null && settings.ReferenceUntil is null ? [] : [new(Old, DecaySchedule.Parse(settings.OldDecay).At)];

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (shape.Batch % shape.Group != 0)
        {
            return new Fault.Composition(
                FaultCodes.SettingsDoNotFit,
                $"'dgpo' needs whole groups in each micro-batch, and run.batch ({shape.Batch}) is no multiple of run.group ({shape.Group})");
        }
        return _process.Check(shape);
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <summary>Evaluations without gradient for each training time, before the reference is replaced.</summary>
    internal static double CopiesPerTime(DgpoSettings settings) => 1 + (settings.Clip is null ? 0 : 1) + (settings is { ReferenceGuided: true, KlWeight: > 0 } ? 1 : 0);

    /// <summary>
    /// <c>ω = sigmoid(Σ_{k in group} A_k β (dsm_k − dsm_k^ref) / K)</c> of each sample's group, [B], without gradient.
    /// </summary>
    /// <param name="groups">Samples with the same number are a group.</param>
    /// <param name="advantage">A, [B].</param>
    /// <param name="errors">dsm, [B].</param>
    /// <param name="reference">dsm of the reference, [B].</param>
    internal Tensor GroupWeights(IReadOnlyList<int> groups, Tensor advantage, Tensor errors, Tensor reference)
    {
        using var _ = no_grad();
        var gains = advantage * (errors.detach() - reference) * settings.Beta;
        return GroupMeans.Rows(groups, gains.device).matmul(gains).sigmoid();
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        var points = _process.Points(CleanSamples.Roll(step, policy: null, settings), PointDraws.ByGroup(step));
        foreach (var objective in ForwardProcess.Descend(points, _process.Updates(step, points), point => Objective(step, point))) yield return objective;
    }

    private Objective Objective(AlignmentStep step, TrainingPoint point)
    {
        var at = point.Noised();
        var reference = step.Index >= settings.ReferenceUntil ? Old : PolicyCopy.Reference;
        var referenceVelocity = PolicyVelocity.OfCopy(step, reference, at, point.Batch, guided: false);
        var velocity = PolicyVelocity.Of(at, point.Batch, settings.Guided);
        var advantage = point.Vector(point.Samples.Advantages);
        var errors = SampleErrors.Square(velocity, at.Target);
        var weights = GroupWeights([.. point.Batch.Prompts.Select(static prompt => prompt.Id)], advantage, errors, SampleErrors.Square(referenceVelocity, at.Target));
        List<Measurement> measurements = [new("advantage", advantage), new("weight", weights), new("error", errors.detach())];
        if (settings.Clip is { } clip)
        {
            var old = reference == Old ? referenceVelocity : PolicyVelocity.OfCopy(step, Old, at, point.Batch, guided: false);
            var ratio = (SampleErrors.Square(old, at.Target) - errors.detach()).exp();
            var clipped = Clipped(advantage, ratio, clip);
            errors = errors + (clipped * (errors.detach() - errors));
            measurements.AddRange([new("ratio", ratio), new("clip_fraction", clipped)]);
        }
        var losses = weights * advantage * errors;
        if (settings.KlWeight > 0)
        {
            var near = settings.ReferenceGuided ? PolicyVelocity.OfCopy(step, reference, at, point.Batch, guided: true) : referenceVelocity;
            var kl = SampleErrors.Square(velocity, near);
            losses = losses + (kl * settings.KlWeight);
            measurements.Add(new("kl", kl.detach()));
        }
        return point.Mean(losses, measurements);
    }

    /// <summary>1 where the policy went too far from its moving average in the direction of the advantage, otherwise 0.</summary>
    private static Tensor Clipped(Tensor advantage, Tensor ratio, double clip)
    {
        var good = advantage.gt(0);
        return good.logical_and(ratio.gt(1 + clip)).logical_or(good.logical_not().logical_and(ratio.lt(1 - clip))).to(ScalarType.Float64);
    }
}
