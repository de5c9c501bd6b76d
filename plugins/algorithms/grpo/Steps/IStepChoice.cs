using LeapAlign.Contracts.Algorithms;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Grpo.Steps;

/// <summary>Which steps of a rollout are random, and which of those are trained.</summary>
public interface IStepChoice
{
    /// <summary>Chooses for a micro-batch: all of its samples share the choice.</summary>
    ChosenSteps Choose(AlignmentStep step, MicroBatch batch);

    /// <summary>How many of N steps are trained.</summary>
    int Trained(int steps);

    /// <summary>Every one of N steps that may be trained.</summary>
    /// <returns>LA3003 when the choice does not fit in N steps.</returns>
    Result<IReadOnlyList<int>> Trainable(int steps);
}

/// <summary>A choice of steps.</summary>
/// <param name="Stochastic">Those with noise; the others follow the ODE.</param>
/// <param name="Trained">In the order in which they are trained.</param>
public sealed record ChosenSteps(IReadOnlyList<int> Stochastic, IReadOnlyList<int> Trained)
{
    /// <summary>A window whose steps are both.</summary>
    public static ChosenSteps Window(int start, int width)
    {
        int[] steps = [.. Enumerable.Range(start, width)];
        return new(steps, steps);
    }

    internal static Result<IReadOnlyList<int>> Fit(int start, int end, string otherwise) => end > start
        ? Result.Ok<IReadOnlyList<int>>([.. Enumerable.Range(start, end - start)])
        : new Fault.Composition(FaultCodes.SettingsDoNotFit, otherwise);
}
