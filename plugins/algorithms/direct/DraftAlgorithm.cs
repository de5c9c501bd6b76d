using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// DRaFT-K (arXiv 2309.17400): the reward of the real sample, differentiated through the last K steps of its path; and DRaFT-LV, which for K = 1 lowers the variance with n further last steps
/// from fresh noise on the prediction.
/// </summary>
/// <param name="settings">K, n, λ and κ.</param>
/// <param name="drawNoise">Draws the noise of a re-noised copy of a batch, from 0, in the shape of its noise.</param>
public sealed class DraftAlgorithm(DraftSettings settings, Func<MicroBatch, int, Tensor> drawNoise) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (settings.Checkpoint) return step.Batches.SelectMany(batch => AdjointSweep.Descend(step, batch, settings.GradientSteps, settings));
        return step.Average(settings.ReNoised > 0 ? LowVariance : LastSteps);
    }

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (settings.GradientSteps > shape.Schedule.Steps)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'draft' trains the last {settings.GradientSteps} steps (gradientSteps), but the sampler has {shape.Schedule.Steps}");
        if (settings.ReNoised > 0 && (settings.GradientSteps > 1 || settings.Checkpoint))
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'draft' re-noises the last step alone (reNoised {settings.ReNoised}): it needs gradientSteps 1 and no checkpoint");
        return Unit.Value;
    }

    /// <summary>Standard normal noise from the batch's own key.</summary>
    internal static Tensor DrawNoise(MicroBatch batch, int copy) => batch.Random.For("re-noise", copy).Normal(batch.Noise.shape, batch.Noise.device);

    private Objective LastSteps(MicroBatch batch)
    {
        var first = batch.Schedule.Steps - settings.GradientSteps;
        return RewardObjective.Of(batch, batch.Sampler.Roll(Reach(batch, first), batch.Path with { From = first }), settings);
    }

    private Objective LowVariance(MicroBatch batch)
    {
        var last = batch.Schedule.Steps - 1;
        var sigma = batch.Schedule.Sigma(last);
        var first = Predict(batch, Reach(batch, last));
        Tensor[] predictions =
        [
            first,
            .. Enumerable.Range(0, settings.ReNoised).Select(copy => Predict(batch, Noised(first.detach(), drawNoise(batch, copy), sigma))),
        ];
        return RewardObjective.Of(batch, cat(predictions), settings);
    }

    /// <summary>x̂_0 at the last noise level, with gradient.</summary>
    private static Tensor Predict(MicroBatch batch, Tensor state)
    {
        var last = batch.Schedule.Steps - 1;
        return RectifiedFlow.Leap(state, batch.Velocity(state, last), batch.Schedule.Delta(last, last + 1));
    }

    /// <summary>(1 − σ) x + σ ε.</summary>
    private static Tensor Noised(Tensor clean, Tensor noise, double sigma)
    {
        using TorchSharp.Scalar kept = 1 - sigma, added = sigma;
        return clean.mul(kept).add(noise.to(clean.dtype), added);
    }

    private static Tensor Reach(MicroBatch batch, int step)
    {
        using var _ = no_grad();
        return batch.Sampler.Roll(batch.Noise, batch.Path with { To = step });
    }
}
