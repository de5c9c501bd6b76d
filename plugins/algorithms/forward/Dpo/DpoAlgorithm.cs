using LeapAlign.Algorithms.Forward.Losses;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Dpo;

/// <summary>
/// Diffusion-DPO (arXiv 2311.12908) for flow matching: the policy is to match the preferred sample of a pair better, and the rejected one worse, than the
/// reference does, at the same noise.
/// </summary>
/// <param name="settings">β, where pairs come from, and the reference.</param>
public sealed class DpoAlgorithm(DpoSettings settings) : IAlgorithm
{
    /// <summary>The reference when it is refreshed.</summary>
    internal const string Refreshed = "refreshed";

    private readonly ForwardProcess _process = new("dpo", settings);

    /// <inheritdoc/>
    public IReadOnlyList<PolicyCopy> Copies { get; } =
        settings.RefreshEvery is { } every ? [new(Refreshed, step => (step + 1) % every == 0 ? 0 : 1)] : [];

    /// <summary>Tells the user.</summary>
    internal Action<Fault> Warn { get; init; } = static _ => { };

    private string Reference => settings.RefreshEvery is null ? PolicyCopy.Reference : Refreshed;

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (settings.Source == PairSource.Online && shape.Group < 2)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'dpo' makes a pair of each prompt's samples, and run.group is {shape.Group}; it has to be at least 2");
        if (settings.Source == PairSource.Online && shape.Batch * shape.Accumulation / shape.Shards % shape.Group != 0)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'dpo' makes a pair of each prompt's samples inside a shard, and the {shape.Batch * shape.Accumulation / shape.Shards} samples of a shard are not whole groups of run.group ({shape.Group}); take another run.shards");
        return _process.Check(shape);
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <summary>Capabilities that these settings need.</summary>
    internal static IEnumerable<string> Requires(DpoSettings settings)
    {
        yield return settings.Source == PairSource.Online ? Capabilities.GroupedPrompts : Capabilities.PreferencePairs;
        if (settings.RefreshEvery is null) yield return Capabilities.ReferencePolicy;
    }

    /// <summary><c>−½ β [(e_w − e_w^ref) − (e_l − e_l^ref)]</c>, whose sigmoid is how likely the policy finds the preference, [P].</summary>
    /// <param name="errors">e of the policy, [2P]: the preferred ones, then the rejected ones.</param>
    /// <param name="reference">The same of the reference.</param>
    internal Tensor Logit(Tensor errors, Tensor reference) => Preference.Logit(errors, reference, settings.Beta);

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        var points = _process.Points(Pairs(step));
        foreach (var objective in ForwardProcess.Descend(points, _process.UpdatesBySamples(step, points), point => Objective(step, point))) yield return objective;
    }

    private IReadOnlyList<CleanSamples> Pairs(AlignmentStep step) => settings.Source == PairSource.Preferences
        ? [.. step.Batches.Select(batch => PreferencePairs.Of(step, batch))]
        : PreferencePairs.Of(step, CleanSamples.Roll(step, settings.Rollout == RolloutPolicy.Reference ? Reference : null, settings), (ties, pairs) => Warn(new Fault.Run(
            FaultCodes.PreferenceTie, $"in step {step.Index + 1} the two samples of {ties} of {pairs} pairs have the same reward: which of them is preferred is their order alone")));

    private Objective Objective(AlignmentStep step, TrainingPoint point)
    {
        var at = point.Noised();
        var reference = SampleErrors.Square(PolicyVelocity.OfCopy(step, Reference, at, point.Batch, settings.Guided), at.Target);
        var errors = SampleErrors.Square(PolicyVelocity.Of(at, point.Batch, settings.Guided), at.Target);
        var logit = Logit(errors, reference);
        var sides = errors.detach().chunk(2, 0);
        return point.Mean(
            nn.functional.softplus(logit.neg()),
            new Measurement("logit", logit.detach()),
            new Measurement("preferred_error", sides[0]),
            new Measurement("rejected_error", sides[1]));
    }
}
