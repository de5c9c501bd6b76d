using LeapAlign.Algorithms.Forward.Losses;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Dso;

/// <summary>
/// Simulation feedback (DSO, arXiv 2503.22677): learns from verdicts, passed or failed, of something slow that has no gradient. The policy is to match samples that passed better and those that failed
/// worse: by a preference against the reference (DPO), or by their errors alone (direct reward optimisation), which is bounded here by how far a failed sample's error may rise.
/// </summary>
/// <param name="settings">The loss, its bound, and where verdicts come from.</param>
public sealed class DsoAlgorithm(DsoSettings settings) : IAlgorithm
{
    private const string Id = "dso";

    private readonly ForwardProcess _process = new(Id, settings.Sampling(), updates: 1);

    private readonly VerdictSamples _samples = new(Id, settings);

    /// <summary>Tells the user.</summary>
    internal Action<Fault> Warn { get; init; } = static _ => { };

    private bool NeedsReference => NeedsReferenceOf(settings);

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (settings is { Loss: FeedbackLoss.Dpo, Pairs: false })
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'{Id}' with loss dpo prefers one sample of a pair to the other, and pairs is false; take loss dro or set pairs to true");
        return (settings is { Source: SampleSource.Online, Pairs: true } ? ComparedSamples.CheckGroups(Id, shape) : Unit.Value).Bind(_ => _process.Check(shape));
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <summary>Capabilities that these settings need.</summary>
    internal static IEnumerable<string> Requires(DsoSettings settings)
    {
        if (settings.Source == SampleSource.Pictures) yield return settings.Pairs ? Capabilities.VerdictPairs : Capabilities.Verdicts;
        else if (settings.Pairs) yield return Capabilities.GroupedPrompts;
        if (NeedsReferenceOf(settings)) yield return Capabilities.ReferencePolicy;
    }

    /// <summary>Whether the reference is evaluated.</summary>
    internal static bool NeedsReferenceOf(DsoSettings settings) => settings.Loss == FeedbackLoss.Dpo || settings.Guard is not null;

    /// <summary><c>e</c> of what passed, and <c>−min(e − e^ref, κ)</c> of what failed, without a bound <c>−e</c>; [B].</summary>
    /// <param name="errors">e, [B].</param>
    /// <param name="reference">e^ref, [B], a constant; asked for where there is a bound.</param>
    /// <param name="verdicts">1 for what passed, 0 for what failed, [B].</param>
    internal Tensor Direct(Tensor errors, Tensor? reference, Tensor verdicts)
    {
        using TorchSharp.Scalar bound = settings.Guard ?? 0, one = 1;
        var failed = settings.Guard is null ? errors : (errors - reference!).clamp_max(bound);
        return (verdicts * errors) - (verdicts.neg().add(one) * failed);
    }

    /// <summary>The loss of each pair, [P], or of each sample, [B].</summary>
    /// <param name="errors">e, [B]; of pairs those that passed first, then those that failed.</param>
    /// <param name="reference">e^ref, [B]; null where it is not needed.</param>
    /// <param name="verdicts">[B].</param>
    internal Tensor Losses(Tensor errors, Tensor? reference, Tensor verdicts)
    {
        if (settings.Loss == FeedbackLoss.Dpo) return nn.functional.softplus(Preference.Logit(errors, reference!, settings.Beta).neg());
        var direct = Direct(errors, reference, verdicts);
        return settings.Pairs ? direct.reshape(2, -1).sum([0L]) : direct;
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        IReadOnlyList<CleanSamples> samples = [.. _samples.Of(step)];
        if (samples.Count == 0) Warn(new Fault.Run(FaultCodes.NoVerdictPairs, $"in step {step.Index + 1} {VerdictSamples.Nothing(settings)}: nothing was learnt"));
        var points = _process.Points(samples, settings.SharedNoise ? PointDraws.Own : PointDraws.NoiseOfEach);
        foreach (var objective in ForwardProcess.Descend(points, _process.UpdatesBySamples(step, points), point => Objective(step, point))) yield return objective;
    }

    private Objective Objective(AlignmentStep step, TrainingPoint point)
    {
        var at = point.Noised();
        var reference = NeedsReference ? SampleErrors.Square(PolicyVelocity.OfCopy(step, PolicyCopy.Reference, at, point.Batch, settings.Guided), at.Target) : null;
        var errors = SampleErrors.Square(PolicyVelocity.Of(at, point.Batch, settings.Guided), at.Target);
        var verdicts = point.Vector(point.Samples.Scores);
        List<Measurement> measurements = [];
        if (settings.Pairs)
        {
            var sides = errors.detach().chunk(2, 0);
            measurements.AddRange([new("passed_error", sides[0]), new("failed_error", sides[1])]);
            if (settings.Loss == FeedbackLoss.Dpo) measurements.Add(new("logit", Preference.Logit(errors.detach(), reference!, settings.Beta)));
        }
        else
        {
            measurements.AddRange([new("error", errors.detach()), new("passed", verdicts)]);
        }
        return point.Mean(Losses(errors, reference, verdicts), measurements);
    }
}
