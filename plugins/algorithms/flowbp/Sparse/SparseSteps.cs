using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Steps;

namespace LeapAlign.Algorithms.FlowBp.Sparse;

/// <summary>Draws the active steps.</summary>
/// <param name="settings">K, bias and window.</param>
public sealed class SparseSteps(SparseSettings settings)
{
    /// <summary>The id of the algorithm.</summary>
    internal const string Id = "flowbp-sparse";

    /// <summary>The steps that may be active.</summary>
    /// <param name="steps">N.</param>
    public StepRange Window(int steps) => StepRange.Tail(steps, settings.TailRatio, minimum: 1);

    /// <summary>Draws them, with weights that count from the beginning of the schedule.</summary>
    /// <param name="key">The key of the micro-batch.</param>
    /// <param name="steps">N.</param>
    /// <returns>min(K, window) steps, rising.</returns>
    public IReadOnlyList<int> Draw(RandomKey key, int steps)
    {
        ArgumentNullException.ThrowIfNull(key);
        return LateBiasedSubset.Draw(key.For("active").Open(), Window(steps), settings.ActiveSteps, settings.LateBias, origin: 0);
    }
}
