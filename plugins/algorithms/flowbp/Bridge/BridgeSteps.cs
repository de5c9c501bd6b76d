using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Leaps;
using LeapAlign.Methods.Steps;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.FlowBp.Bridge;

/// <summary>The step at which the path is bridged, and the active ones.</summary>
/// <param name="J">j, the step whose network input carries the gradient of the steps before it; itself active.</param>
/// <param name="Active">The active steps: some before j, j, some behind it.</param>
public sealed record BridgeChoice(int J, IReadOnlyList<int> Active);

/// <summary>Draws j and the active steps on both sides of it.</summary>
/// <param name="settings">K, bias, and how anchors are drawn.</param>
public sealed class BridgeSteps(BridgeSettings settings)
{
    /// <summary>The id of the algorithm.</summary>
    internal const string Id = "flowbp-bridge";

    private readonly LeapPairSampler _anchors = new(Id, settings);

    /// <summary>The steps that may be active.</summary>
    /// <param name="steps">N.</param>
    public StepRange Window(int steps) => _anchors.Tail(steps);

    /// <summary>Whether there are steps to draw from.</summary>
    /// <param name="steps">N.</param>
    /// <returns>LA3003 when there are too few.</returns>
    public Result<Unit> Check(int steps) => _anchors.Window(steps).Map(static _ => Unit.Value);

    /// <summary>Draws, in this order: the anchors, of which only j is used; the active steps before j; those behind it.</summary>
    /// <param name="key">The key of the micro-batch.</param>
    /// <param name="steps">N.</param>
    /// <exception cref="FaultException">See <see cref="Check"/>.</exception>
    public BridgeChoice Draw(RandomKey key, int steps)
    {
        ArgumentNullException.ThrowIfNull(key);
        var j = _anchors.Draw(key.For("leaps"), steps).J;
        var random = key.For("active").Open();
        StepRange before = new(Window(steps).First, j), behind = new(j + 1, steps);
        var budget = BudgetSplit.Of(settings.ActiveSteps, before.Count, behind.Count + 1);
        var early = LateBiasedSubset.Draw(random, before, budget.Before, settings.LateBias, before.First);
        var late = LateBiasedSubset.Draw(random, behind, budget.From - 1, settings.LateBias, behind.First);
        return new(j, [.. early, j, .. late]);
    }
}
