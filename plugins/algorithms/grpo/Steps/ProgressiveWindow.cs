using LeapAlign.Contracts.Algorithms;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Grpo.Steps;

/// <summary>
/// A window of consecutive steps that begins at the noisiest and moves on as training goes on, until it would reach the last step: then it begins anew
/// (MixGRPO, arXiv 2507.21802). The other steps follow the ODE.
/// </summary>
/// <param name="width">W ≥ 1.</param>
/// <param name="iterationsPerMove">Steps of the run that it stays in one place.</param>
/// <param name="move">By how many sampling steps it moves; 0 never moves it.</param>
public sealed class ProgressiveWindow(int width, int iterationsPerMove, int move) : IStepChoice
{
    /// <inheritdoc/>
    public ChosenSteps Choose(AlignmentStep step, MicroBatch batch)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(batch);
        return ChosenSteps.Window(Start(step.Index, batch.Schedule.Steps), width);
    }

    /// <inheritdoc/>
    public int Trained(int steps) => width;

    /// <inheritdoc/>
    public Result<IReadOnlyList<int>> Trainable(int steps) => ChosenSteps.Fit(
        0, steps > width ? steps - 1 : 0, $"a window of {width} steps does not fit in the sampler's {steps} steps, the last of which is never trained");

    private int Start(int index, int steps)
    {
        var places = move == 0 ? 1 : ((steps - 1 - width) / move) + 1;
        return index / iterationsPerMove % places * move;
    }
}
