namespace LeapAlign.Contracts.Algorithms;

/// <summary>A way of aligning a model with a reward: its mathematics and nothing else.</summary>
public interface IAlgorithm
{
    /// <summary>
    /// One step, as a lazy sequence of objectives: the host runs backward on each before it asks for the next, so a method with many small losses needs
    /// memory for one. The host owns batches, accumulation, clipping, the non-finite guard, the optimizer, the moving average and the dispose scope.
    /// </summary>
    /// <param name="step">What the step works on.</param>
    IEnumerable<Objective> Step(AlignmentStep step);
}
