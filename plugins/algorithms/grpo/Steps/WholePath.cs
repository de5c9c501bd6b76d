using LeapAlign.Contracts.Algorithms;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Grpo.Steps;

/// <summary>Noise at every step, and every step but the last is trained: the last one's density is so narrow that rounding rules its log-probability.</summary>
public sealed class WholePath : IStepChoice
{
    /// <inheritdoc/>
    public ChosenSteps Choose(AlignmentStep step, MicroBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var steps = batch.Schedule.Steps;
        return new([.. Enumerable.Range(0, steps)], [.. Enumerable.Range(0, steps - 1)]);
    }

    /// <inheritdoc/>
    public int Trained(int steps) => Math.Max(0, steps - 1);

    /// <inheritdoc/>
    public Result<IReadOnlyList<int>> Trainable(int steps) =>
        ChosenSteps.Fit(0, steps - 1, $"every step but the last is trained, which leaves none of the sampler's {steps}");
}
