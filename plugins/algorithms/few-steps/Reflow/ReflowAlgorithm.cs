using LeapAlign.Algorithms.FewSteps.Pairs;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Reflow;

/// <summary>
/// Rectified flow (arXiv 2209.03003): flow matching <c>mean_d (v_θ((1−σ) x_0 + σ ε, σ) − (ε − x_0))²</c> on pairs of noise and the sample that the first policy makes of it. The marginals
/// stay, the paths become straight. At the levels of k Euler steps alone it is the distillation of a flow that is straight already. The first policy is guided and the trained one is
/// not: it learns the guided field.
/// </summary>
/// <param name="id">For messages.</param>
/// <param name="settings">Noise levels and pairs.</param>
/// <param name="context">Where pairs are kept.</param>
public sealed class ReflowAlgorithm(string id, MatchingSettings settings, PartContext context) : IAlgorithm
{
    private readonly PairSource _pairs = new(settings, context);

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return _pairs.Check(id, shape);
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        foreach (var batch in step.Batches)
        {
            KeyedRandom[] keys = [.. batch.Samples.Select(sample => batch.StepKey.For("sample", sample).For("algorithm").For("pair").Open())];
            var straightness = settings.StraightnessEvery > 0 && step.Index % settings.StraightnessEvery == 0 ? Straightness.Of(batch) : null;
            var pairs = _pairs.Of(step, batch, keys);
            pairs.HandOn();
            for (var time = 0; time < settings.Timesteps; time++)
            {
                double[] sigmas = [.. keys.Select(key => settings.Level((time + key.NextDouble()) / settings.Timesteps))];
                yield return Objective(pairs, sigmas, time == 0 ? straightness : null).Times(1.0 / (step.Batches.Count * settings.Timesteps)).From(batch);
            }
        }
    }

    private static Objective Objective(KeptPairs pairs, double[] sigmas, Tensor? straightness)
    {
        var at = new NoisedSamples(pairs.Samples, pairs.Noise, sigmas);
        var errors = FlowMatching.Errors(at, pairs.Batch);
        List<Measurement> measured = [new("error", errors.detach()), new("transport", RectifiedFlow.Mean(at.Target.square()))];
        if (straightness is not null) measured.Add(new("straightness", straightness));
        return new Objective(errors.mean().to(pairs.Samples.dtype), measured);
    }
}
