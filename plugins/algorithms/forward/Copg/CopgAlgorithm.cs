using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Copg;

/// <summary>
/// Contrastive policy gradient (arXiv 2406.19185) with the flow-matching error in the place of a likelihood: what is left of the rewards of a prompt's samples, once the policy's own
/// log-ratio to the reference is taken off, is to be the same for all of them. Its optimum, the reference times <c>exp(R / β)</c>, does not depend on who made the samples.
/// </summary>
/// <param name="settings">β, the scale of log-ratios, and where samples come from.</param>
public sealed class CopgAlgorithm(CopgSettings settings) : IAlgorithm
{
    private const string Id = "copg";

    private readonly ForwardProcess _process = new(Id, settings.Sampling(), updates: 1);

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return (settings.Source == SampleSource.Online ? ComparedSamples.CheckGroups(Id, shape) : Unit.Value).Bind(_ => _process.Check(shape));
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <summary>Capabilities that these settings need.</summary>
    internal static IEnumerable<string> Requires(CopgSettings settings) =>
        [settings.Source == SampleSource.Online ? Capabilities.GroupedPrompts : Capabilities.ScoredPictures, Capabilities.ReferencePolicy];

    /// <summary>
    /// <c>a = −(W/2) mean_q (e − e^ref)</c>, which stands for the log of how much likelier a sample is than under the reference, [B]. The mean is inside of what is squared, so that the noise of
    /// a single draw is not taken for a difference of samples.
    /// </summary>
    /// <param name="gains">e − e^ref of each draw, Q of [B].</param>
    internal Tensor LogRatios(IEnumerable<Tensor> gains) => stack(gains).mean([0L]) * (-0.5 * settings.LikelihoodScale);

    /// <summary><c>K / (2 β (K−1)) Σ_i (S_i − S̄)²</c> of each group with <c>S = R − β a</c>, [P]: for two samples <c>(S − S')² / (2 β)</c>.</summary>
    /// <param name="rewards">R, [K, P], a constant.</param>
    /// <param name="logRatios">a, [K, P].</param>
    internal Tensor Losses(Tensor rewards, Tensor logRatios)
    {
        double members = rewards.shape[0];
        var left = rewards - (logRatios * settings.Beta);
        return (left - left.mean([0L], keepdim: true)).square().sum([0L]) * (members / (2 * settings.Beta * (members - 1)));
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        var points = _process.Points(Samples(step)).GroupBy(static point => point.Samples).Select(static draws => draws.ToArray()).ToArray();
        var updates = _process.UpdatesBySamples(step, [.. points.Select(static draws => draws[0])]);
        foreach (var objective in updates.Descend(index => Objective(step, points[index]))) yield return objective;
    }

    private IEnumerable<CleanSamples> Samples(AlignmentStep step)
    {
        if (settings.Source == SampleSource.Pictures) return step.Batches.Select(batch => ComparedSamples.OfPictures(step, batch, (prompt, random) => ComparedSamples.Any(Id, prompt, random, settings.Group)));
        return CleanSamples.Roll(step, settings.RolloutGuided).Select(rolled => ComparedSamples.OfRollout(step, rolled, ComparedSamples.Groups(rolled)));
    }

    private Objective Objective(AlignmentStep step, TrainingPoint[] draws)
    {
        List<Tensor> gains = [], errors = [];
        foreach (var draw in draws)
        {
            var at = draw.Noised();
            var reference = SampleErrors.Square(PolicyVelocity.OfCopy(step, PolicyCopy.Reference, at, draw.Batch, settings.Guided), at.Target);
            var error = SampleErrors.Square(PolicyVelocity.Of(at, draw.Batch, settings.Guided), at.Target);
            gains.Add(error - reference);
            errors.Add(error.detach());
        }
        var logRatios = LogRatios(gains);
        var samples = draws[0].Samples;
        var losses = Losses(draws[0].Vector(samples.Scores).reshape(samples.Sides, -1), logRatios.reshape(samples.Sides, -1));
        return draws[0].Mean(losses, new Measurement("log_ratio", logRatios.detach()), new Measurement("error", stack(errors)));
    }
}
