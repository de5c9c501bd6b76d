using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Leaps;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.FlowBp.Lagrange;

/// <summary>Draws the anchors, and says what the leaps between them will cost.</summary>
/// <param name="settings">How anchors are drawn, and which supports are active.</param>
public sealed class LagrangeSteps(LagrangeSettings settings)
{
    /// <summary>The id of the algorithm.</summary>
    internal const string Id = "flowbp-lagrange";

    private const int CostDraws = 1000;

    private readonly LeapPairSampler _anchors = new(Id, settings);

    /// <summary>Draws k and j.</summary>
    /// <param name="key">The key of the micro-batch.</param>
    /// <param name="steps">N.</param>
    /// <exception cref="FaultException">See <see cref="Check"/>.</exception>
    public LeapPair Draw(RandomKey key, int steps)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _anchors.Draw(key.For("leaps"), steps);
    }

    /// <summary>Whether the settings give a gradient, with steps to draw anchors from.</summary>
    /// <param name="steps">N.</param>
    /// <returns>LA3003 when not.</returns>
    public Result<Unit> Check(int steps)
    {
        if (settings is { SupportMode: SupportMode.None, AnchorLambda: 1 })
        {
            return new Fault.Composition(
                FaultCodes.SettingsDoNotFit,
                $"'{Id}' would train nothing with supportMode 'none' and anchorLambda 1: no step carries gradient; let anchorLambda be below 1 or take supportMode 'start', 'midpoint' or 'all'");
        }
        return _anchors.Window(steps).Map(static _ => Unit.Value);
    }

    /// <summary>How many steps are recorded in the mean over the draws of the anchors: each leap's first step and its other active supports.</summary>
    /// <param name="steps">N.</param>
    internal double MeanRecorded(int steps)
    {
        if (!_anchors.Window(steps).IsOk) return 2;
        var key = RandomKey.OfRun(0).For("cost");
        return Enumerable.Range(0, CostDraws).Average(draw =>
        {
            var (k, j) = Draw(key.For("draw", draw), steps);
            return Recorded(j - k) + Recorded(steps - j);
        });
    }

    private int Recorded(int length) => Math.Max(1, Supports.ActiveCount(Math.Min(length, settings.Order), settings));
}
