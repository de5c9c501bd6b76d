using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Optimizers;

/// <summary>
/// An optimization that chooses the weights of the run's trained rewards, and requires <c>reward-weights</c>. Steps are made under its weights, it is given their gradients part by part
/// (<see cref="UpdateContext.Parts"/>), and may ask for the step under other weights (<see cref="UpdateContext.Weigh"/>).
/// </summary>
public interface IWeighingOptimization : IOptimization
{
    /// <summary>The weights of the next step, by the names of rewards, each in the place of that of plugins.json. A trained reward that is not named is scored, and has weight 0 and no gradient.</summary>
    IReadOnlyDictionary<string, double> Weights { get; }

    /// <summary>Tells what there is to weigh, once, before the first step and before a state is loaded.</summary>
    /// <param name="rewards">The trained rewards, with their weights of plugins.json.</param>
    /// <param name="objectives">The names of the objectives beside the algorithm.</param>
    /// <returns>What does not fit the optimizer's settings.</returns>
    Result<Unit> Meet(IReadOnlyDictionary<string, double> rewards, IReadOnlyList<string> objectives);
}

/// <summary>Loss and gradient of a step, part by part.</summary>
/// <param name="algorithm">Those of the algorithm.</param>
/// <param name="objectives">Those of each objective beside it by name, times the weight of its entry; empty where they were not asked for.</param>
/// <param name="slopes">The derivative of the algorithm's loss in the weight of each reward that was weighed.</param>
public sealed class StepParts(StepGradient algorithm, IReadOnlyDictionary<string, StepGradient> objectives, IReadOnlyDictionary<string, double> slopes)
{
    /// <summary>Loss and gradient of the algorithm.</summary>
    public StepGradient Algorithm => algorithm;

    /// <summary>Loss and gradient of each objective beside it, by name, times the weight of its entry.</summary>
    public IReadOnlyDictionary<string, StepGradient> Objectives => objectives;

    /// <summary>The derivative of the algorithm's loss in the weight of each reward that was weighed: for a loss that is a negative sum, minus the reward's mean.</summary>
    public IReadOnlyDictionary<string, double> Slopes => slopes;
}
