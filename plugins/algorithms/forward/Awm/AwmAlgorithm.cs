using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Groups;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Awm;

/// <summary>
/// Advantage-weighted matching (arXiv 2509.25050): minus the flow-matching error of a sample stands for its log-probability in a clipped policy gradient, so
/// that advantages of 1 give flow matching itself.
/// </summary>
/// <param name="settings">The weighting of errors, clip, and distances to other policies.</param>
public sealed class AwmAlgorithm(AwmSettings settings) : IAlgorithm
{
    /// <summary>The fast moving average.</summary>
    internal const string Ema = "ema";

    private readonly ForwardProcess _process = new("awm", settings);

    /// <inheritdoc/>
    public IReadOnlyList<PolicyCopy> Copies { get; } = settings.EmaKlWeight > 0 ? [new(Ema, DecaySchedule.Parse(settings.EmaDecay).At)] : [];

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape) => _process.Check(shape);

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <summary>Evaluations without gradient for each training time: the old log-probabilities of all updates but the first, reference and moving average.</summary>
    internal static double CopiesPerTime(AwmSettings settings) =>
        ((settings.Updates - 1.0) / settings.Updates) + (settings.KlWeight > 0 ? 1 : 0) + (settings.EmaKlWeight > 0 ? 1 : 0);

    /// <summary><c>log p = −ω(l, σ)</c> with <c>l = mean_d (v − (ε − x_0))²</c>, [B], fp64.</summary>
    internal Tensor LogProbability(NoisedSamples at, Tensor velocity)
    {
        const double softening = 1e-10;
        var error = SampleErrors.Square(velocity, at.Target);
        var level = at.Levels(static sigma => sigma);
        return settings.Weighting switch
        {
            MatchingWeight.Uniform => error.neg(),
            MatchingWeight.Sigma => (level * error).neg(),
            MatchingWeight.SigmaSquared => (level.square() * error).neg(),
            MatchingWeight.Huber => (level * ((error + softening).sqrt() - Math.Sqrt(softening))).neg(),
            _ => (level * (((error + softening).pow(settings.Power) - Math.Pow(softening, settings.Power)) / settings.Power)).neg(),
        };
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        var points = _process.Points(CleanSamples.Roll(step, policy: null, settings));
        var updates = _process.Updates(step, points);
        // Until the first update the policy is the one that sampled, so its points find their old log-probabilities in what they evaluate anyway.
        Tensor?[] sampled = [.. points.Select((point, index) => updates.Of(index) == 0 ? null : Sampled(step, point))];
        foreach (var objective in updates.Descend(index => Objective(step, points[index], sampled[index]))) yield return objective;
    }

    private Tensor Sampled(AlignmentStep step, TrainingPoint point)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var at = point.Noised();
        return step.Keep(LogProbability(at, PolicyVelocity.Of(at, point.Batch, settings.Guided)));
    }

    internal Objective Objective(AlignmentStep step, TrainingPoint point, Tensor? sampled)
    {
        var at = point.Noised();
        var velocity = PolicyVelocity.Of(at, point.Batch, settings.Guided);
        var logProbability = LogProbability(at, velocity);
        var logRatio = logProbability - (sampled ?? logProbability.detach());
        var advantage = point.Vector(point.Samples.Advantages) / settings.AdvantageScale;
        var losses = ClippedSurrogate.Loss(logRatio, advantage, settings.ClipLow, settings.ClipHigh);
        List<Measurement> measurements =
        [
            new("advantage", advantage),
            new("ratio", logRatio.detach().exp()),
            new("clip_fraction", ClippedSurrogate.Clipped(logRatio, advantage, settings.ClipLow, settings.ClipHigh)),
            new("log_prob", logProbability.detach()),
        ];
        if (settings.KlWeight > 0)
        {
            var kl = SampleErrors.Square(velocity, PolicyVelocity.OfCopy(step, PolicyCopy.Reference, at, point.Batch, settings.Guided));
            losses = losses + (kl * at.Levels(sigma => settings.KlWeighting.Weigh(settings.KlWeight, sigma)));
            measurements.Add(new("kl", kl.detach()));
        }
        if (settings.EmaKlWeight > 0)
        {
            var kl = SampleErrors.Square(velocity, PolicyVelocity.OfCopy(step, Ema, at, point.Batch, settings.Guided));
            losses = losses + (kl * settings.EmaKlWeight);
            measurements.Add(new("ema_kl", kl.detach()));
        }
        return point.Mean(losses, measurements);
    }
}
