using LeapAlign.Contracts.Algorithms;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Grpo.Steps;

/// <summary>
/// Noise at every step; a random part of the steps but the last is trained, in a random order. The draw is one for each micro-batch, not for each sample as
/// DanceGRPO publishes it with batches of 1: so each trained step is evaluated with the batch and the noise level of the rollout, which is what makes
/// ratios exactly 1 before the first update.
/// </summary>
/// <param name="fraction">In (0, 1].</param>
public sealed class StepFraction(double fraction) : IStepChoice
{
    // 0.6 · 15 is 9 also where its product falls short of it.
    private const double Rounding = 1e-9;

    /// <inheritdoc/>
    public ChosenSteps Choose(AlignmentStep step, MicroBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var steps = batch.Schedule.Steps;
        var order = batch.Random.For("trained steps").Open().Shuffle(Enumerable.Range(0, steps - 1));
        return new([.. Enumerable.Range(0, steps)], order[..Trained(steps)]);
    }

    /// <inheritdoc/>
    public int Trained(int steps) => steps < 2 ? 0 : Math.Max(1, (int)((fraction * (steps - 1)) + Rounding));

    /// <inheritdoc/>
    public Result<IReadOnlyList<int>> Trainable(int steps) => new WholePath().Trainable(steps);
}
