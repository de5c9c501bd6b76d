using LeapAlign.Contracts.Algorithms;

namespace LeapAlign.Contracts.Objectives;

/// <summary>
/// An objective that is made of the gradients of an update and not of its samples, of how two sets of parameters move each other for instance. It requires <c>replay</c>, or <c>second-draw</c>. The host asks it once in an update, when
/// the gradients are complete over micro-batches, shards and processes, and adds what it returns, times the weight of its entry, before the update is judged and clipped.
/// </summary>
/// <remarks>
/// It has no loss of a micro-batch: nothing is added to the loss in metrics. An optimizer that asks for the step again is given gradients without it.
/// </remarks>
public interface IGradientObjective : IObjective
{
    /// <summary>What is added to the gradients of an update.</summary>
    /// <param name="field">The gradients here and elsewhere.</param>
    /// <returns>In the scope of the caller; null where nothing is added.</returns>
    PlayerGradients Of(GradientField field);

    /// <summary>There is none: the host calls <see cref="Of(GradientField)"/> in its place.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    Objective IObjective.Of(AlignmentStep step, MicroBatch batch, int update) => throw new NotSupportedException("an objective of gradients has no loss of a micro-batch");
}
