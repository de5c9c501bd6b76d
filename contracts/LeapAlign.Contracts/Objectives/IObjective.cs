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
    /// The micro-batch. What the algorithm sampled for it in this step is <see cref="AlignmentStep.Sampled(MicroBatch)"/>; an objective that samples by itself pays for the
    /// evaluations, which the ledger counts.
    /// </param>
    /// <param name="update">The number of the update within the step, from 0; part of the keys of draws.</param>
    Objective Of(AlignmentStep step, MicroBatch batch, int update);
}

/// <summary>An objective that learns from states on the way from noise to data. The host keeps them where the algorithm comes by, so that they cost no evaluation.</summary>
public interface IPathObjective : IObjective
{
    /// <summary>
    /// The steps whose states it wants of a micro-batch, asked once in a step, before anything is sampled. What was kept is <see cref="AlignmentStep.Sampled(MicroBatch, int)"/>.
    /// </summary>
    /// <param name="batch">The micro-batch.</param>
    /// <returns>Steps of its schedule, in 0..N−1.</returns>
    IReadOnlyList<int> States(MicroBatch batch);
}
