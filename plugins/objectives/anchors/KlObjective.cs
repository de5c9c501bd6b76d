using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Methods.Matching;
using static TorchSharp.torch;

namespace LeapAlign.Objectives.Anchors;

/// <summary>
/// The divergence from the policy that training started from, <c>mean w(σ) mean_d (v_θ − v_ref)²</c> at noised samples: what the Kullback-Leibler divergence of two flow
/// models with the same noise is proportional to (Flow-GRPO, arXiv 2505.05470; for diffusion DPOK, arXiv 2305.16381).
/// </summary>
/// <remarks>
/// It learns from what the algorithm sampled in the step; where it sampled nothing, from the pictures that come with the prompts; and where there are none, it samples
/// itself, once in a step, without gradient.
/// </remarks>
/// <param name="name">Its name in the run.</param>
/// <param name="settings">Training times and w.</param>
public sealed class KlObjective(string name, KlSettings settings) : IObjective
{
    private readonly AnchorPoints _points = new(name, settings);

    /// <inheritdoc/>
    public Objective Of(AlignmentStep step, MicroBatch batch, int update)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(batch);
        List<Tensor> distances = [], losses = [];
        foreach (var at in _points.Of(batch, Clean(step, batch), update))
        {
            var reference = PolicyVelocity.OfCopy(step, PolicyCopy.Reference, at, batch, guided: false);
            var distance = SampleErrors.Square(PolicyVelocity.Of(at, batch, guided: false), reference);
            losses.Add(distance * at.Levels(sigma => settings.Weighting.Weigh(1, sigma)));
            distances.Add(distance.detach());
        }
        return new(stack(losses).mean(), new Measurement("distance", stack(distances)));
    }

    private static Tensor Clean(AlignmentStep step, MicroBatch batch)
    {
        if (step.Sampled(batch) is { } sampled) return sampled;
        using var _ = no_grad();
        if (batch.Prompts.All(static prompt => prompt.Pictures.Count > 0)) return batch.Pictures(0);
        // From now on the host knows it as what was sampled in this step.
        return batch.Sampler.Roll(batch.Noise, batch.Path);
    }
}
