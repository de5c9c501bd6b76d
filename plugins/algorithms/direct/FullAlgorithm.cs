using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Rewards;

namespace LeapAlign.Algorithms.Direct;

/// <summary>
/// The exact gradient of the reward of the final sample through all N steps: the yardstick of the other direct-gradient methods. Memory does not grow with N
/// but for the states; each step is evaluated twice, once with gradient.
/// </summary>
/// <param name="settings">Hinge.</param>
public sealed class FullAlgorithm(FullSettings settings) : IAlgorithm
{
    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return step.Batches.SelectMany(batch => new AdjointSweep(step, batch, 0).Objectives(sample => RewardObjective.Of(batch, sample, settings)));
    }
}

/// <summary>Settings of <c>full</c>.</summary>
public sealed record FullSettings : RewardLossSettings;
