using LeapAlign.Contracts.Algorithms;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// DRaFT (arXiv 2309.17400): a rollout without gradient to step N − K, then K steps with gradient, nothing detached, and the reward on the final sample.
/// DRaFT-LV lowers the variance of K = 1: the final sample is n times noised again to the last step's level and taken through that step.
/// </summary>
/// <param name="settings">Hinge, K, n and checkpointing.</param>
/// <param name="drawNoise">Draws the noise of a copy of that number; see <see cref="Draw"/>.</param>
public sealed class DraftAlgorithm(DraftSettings settings, Func<MicroBatch, int, Tensor> drawNoise) : IAlgorithm
{
    /// <summary>Draws standard normal noise.</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="copy">The number of the copy of them all.</param>
    public static Tensor Draw(MicroBatch batch, int copy)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.Normal("renoise", copy);
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return settings.Checkpoint
            ? step.Batches.SelectMany(batch => new AdjointSweep(step, batch, First(batch)).Objectives(sample => RewardObjective.Of(batch, sample, settings)))
            : step.Average(Objective);
    }

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return settings.Check(shape.Schedule.Steps);
    }

    private int First(MicroBatch batch) => batch.Schedule.Steps - settings.GradientSteps;

    private Objective Objective(MicroBatch batch)
    {
        var ending = batch.Path with { From = First(batch) };
        var sample = batch.Sampler.Roll(StillPath.To(batch, ending.From), ending);
        if (settings.ReNoised == 0) return RewardObjective.Of(batch, sample, settings);
        // Copy by copy, so that each evaluation has the B samples that the conditioning is for.
        var copies = Enumerable.Range(0, settings.ReNoised).Select(copy => batch.Sampler.Roll(Noised(batch, sample, copy), ending));
        return RewardObjective.Of(batch, cat([sample, .. copies]), settings);
    }

    /// <summary><c>(1 − σ_{N−1}) sg(x) + σ_{N−1} ε</c>.</summary>
    private Tensor Noised(MicroBatch batch, Tensor sample, int copy)
    {
        var sigma = batch.Schedule.Sigma(First(batch));
        using Scalar kept = 1 - sigma, added = sigma;
        var still = sample.detach();
        return still.mul(kept).add(drawNoise(batch, copy).to(still.dtype), added);
    }
}
