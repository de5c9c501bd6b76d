using LeapAlign.Contracts.Algorithms;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// The exact derivative of the reward of the sample with respect to the weights, through every step of its path: DRaFT-K with K = N under step checkpointing. The yardstick for methods that approximate
/// it. It costs N evaluations without gradient and N with, and its memory grows with N by the states alone.
/// </summary>
/// <param name="settings">λ and κ.</param>
public sealed class FullAlgorithm(FullSettings settings) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Batches.SelectMany(batch => AdjointSweep.Descend(step, batch, batch.Schedule.Steps, settings));
    }
}
