using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Grpo.Steps;

/// <summary>A window of consecutive steps that begins anywhere in a range; the other steps follow the ODE.</summary>
/// <param name="width">W ≥ 1.</param>
/// <param name="range">From N: the first step of the range, and the step before which it ends.</param>
/// <param name="key">The key of the draw: the step's for one window in all micro-batches, the micro-batch's for one in each.</param>
public sealed class RandomWindow(int width, Func<int, (int Start, int End)> range, Func<AlignmentStep, MicroBatch, RandomKey> key) : IStepChoice
{
    /// <inheritdoc/>
    public ChosenSteps Choose(AlignmentStep step, MicroBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var (start, end) = range(batch.Schedule.Steps);
        return ChosenSteps.Window(key(step, batch).For("window").Open().NextInt(start, end - width + 1), width);
    }

    /// <inheritdoc/>
    public int Trained(int steps) => width;

    /// <inheritdoc/>
    public Result<IReadOnlyList<int>> Trainable(int steps)
    {
        var (start, end) = range(steps);
        var fits = end - start >= width && end < steps;
        return ChosenSteps.Fit(
            start, fits ? end : start, $"a window of {width} steps does not fit in the range from step {start} to {end} of the sampler's {steps} steps, the last of which is never trained");
    }
}
