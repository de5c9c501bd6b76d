using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Rewards;

namespace LeapAlign.Algorithms.Direct;

/// <summary>Settings of <c>refl</c> (ReFL, arXiv 2304.05977).</summary>
public sealed record ReflSettings : RewardLossSettings
{
    /// <summary>R.</summary>
    [Description("The step is drawn from the last R of the N, all of them where there are fewer: predictions at earlier steps are blurred, and a reward trained on clean pictures misjudges them.")]
    [Range(1, 1000)]
    public int LastSteps { get; init; } = 11;

    /// <summary>R in a schedule of N steps.</summary>
    internal int Window(int steps) => Math.Min(LastSteps, steps);
}
