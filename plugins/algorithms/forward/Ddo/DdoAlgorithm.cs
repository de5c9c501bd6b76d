using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Ddo;

/// <summary>
/// Direct discriminative optimisation (arXiv 2503.01103): the policy against the frozen model that it began as is a discriminator between real pictures and that model's own, and is trained as one. No
/// network beside the two, and no alternation.
/// </summary>
/// <param name="settings">α, β, and where fakes come from.</param>
public sealed class DdoAlgorithm(DdoSettings settings) : IAlgorithm
{
    private readonly ForwardProcess _process = new("ddo", settings.Sampling(), updates: 1);

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape) => _process.Check(shape);

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    /// <summary>Capabilities that these settings need.</summary>
    internal static IEnumerable<string> Requires(DdoSettings settings) =>
        [settings.Fakes == FakeSource.Generated ? Capabilities.Pictures : Capabilities.PreferencePairs, Capabilities.ReferencePolicy];

    /// <summary><c>[−ln σ(β Δ(x)) − α ln σ(−β Δ(x̃))] / max(α, 1)</c> of each pair, [P], as softplus: a logarithm of 1 − σ would round to nothing.</summary>
    /// <param name="margins">Δ = −(e − e^ref), [2P]: real pictures, then fakes.</param>
    internal Tensor Losses(Tensor margins)
    {
        var sides = (margins * settings.Beta).chunk(2, 0);
        return (nn.functional.softplus(sides[0].neg()) + (nn.functional.softplus(sides[1]) * settings.Alpha)) / Math.Max(settings.Alpha, 1);
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        var points = _process.Points(step.Batches.Select(batch => Pairs(step, batch)));
        foreach (var objective in ForwardProcess.Descend(points, _process.UpdatesBySamples(step, points), point => Objective(step, point))) yield return objective;
    }

    // A real picture and its fake are two sides of one sample: whatever they do not share, time, noise or caption, would tell them apart.
    private CleanSamples Pairs(AlignmentStep step, MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int[] prompts = [.. Enumerable.Range(0, batch.Prompts.Count)];
        var fakes = settings.Fakes == FakeSource.Pictures ? batch.Pictures(1) : Generated(step, batch);
        return new CleanSamples { Batch = batch.Select([.. prompts, .. prompts]), Latents = step.Keep(cat([batch.Pictures(0), fakes])), Sides = 2 };
    }

    private static Tensor Generated(AlignmentStep step, MicroBatch batch)
    {
        using var used = step.Use(PolicyCopy.Reference);
        return batch.Sampler.Roll(batch.Noise, batch.ConditionalPath);
    }

    private Objective Objective(AlignmentStep step, TrainingPoint point)
    {
        var at = point.Noised();
        var reference = SampleErrors.Square(PolicyVelocity.OfCopy(step, PolicyCopy.Reference, at, point.Batch, settings.Guided), at.Target);
        var margins = reference - SampleErrors.Square(PolicyVelocity.Of(at, point.Batch, settings.Guided), at.Target);
        var sides = margins.detach().chunk(2, 0);
        return point.Mean(Losses(margins), new Measurement("margin_real", sides[0]), new Measurement("margin_fake", sides[1]));
    }
}
