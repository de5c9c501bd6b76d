using LeapAlign.Contracts.Algorithms;

namespace LeapAlign.Contracts.Objectives;

/// <summary>
/// A loss beside the algorithm's: a regulariser, an anchor against drift. The host adds it to every update of the run, one backward for each micro-batch of the
/// step, times its weight.
/// </summary>
public interface IObjective
{
    /// <summary>The loss of a micro-batch, a mean over its samples.</summary>
    /// <param name="step">The step, whose policies it may compare with.</param>
    /// <param name="batch">
    /// The micro-batch. What the algorithm sampled for it in this step is <see cref="AlignmentStep.Sampled"/>; an objective that samples by itself pays for the
    /// evaluations, which the ledger counts.
    /// </param>
    /// <param name="update">The number of the update within the step, from 0; part of the keys of draws.</param>
    Objective Of(AlignmentStep step, MicroBatch batch, int update);
}
