using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>A way of aligning a model with a reward: its mathematics and nothing else.</summary>
public interface IAlgorithm
{
    /// <summary>
    /// The copies of the policy that the algorithm compares with, beside the reference. The host makes them, moves them after every step and keeps them with
    /// the run's state: each is held once.
    /// </summary>
    IReadOnlyList<PolicyCopy> Copies => [];

    /// <summary>
    /// Parameters of the algorithm's own, a learned loss weight for instance: trained by the run's optimizer with the policy's, part of the same gradient norm and
    /// of checkpoints, never exported. They belong to the algorithm.
    /// </summary>
    ParameterSet Parameters => ParameterSet.Empty;

    /// <summary>The learning rate of <see cref="Parameters"/>; null takes that of the optimizer's settings.</summary>
    double? ParameterRate => null;

    /// <summary>Whether the model is trained. Where <see cref="Parameters"/> alone learn, nothing asks an adapter for a gradient, or for other pictures at the end.</summary>
    bool TrainsModel => true;

    /// <summary>
    /// One step, as a lazy sequence of objectives: the host runs backward on each before it asks for the next, so a method with many small losses needs
    /// memory for one. The host owns batches, clipping, the non-finite guard, the optimizer, the moving average and the dispose scopes; it updates the
    /// weights after each objective that <see cref="Objective.EndsUpdate"/> and at the end of the sequence.
    /// </summary>
    /// <param name="step">What the step works on.</param>
    IEnumerable<Objective> Step(AlignmentStep step);

    /// <summary>Says, before anything of a run is written, whether the algorithm's settings can work in a run.</summary>
    Result<Unit> Check(RunShape shape) => Unit.Value;
}
