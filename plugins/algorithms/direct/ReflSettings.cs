using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Rewards;

namespace LeapAlign.Algorithms.Direct;

/// <summary>Settings of <c>refl</c>.</summary>
public sealed record ReflSettings : RewardLossSettings
{
    /// <summary>R.</summary>
    [Description("The trained step is one of the last R of the schedule, all equally likely; more than N is N. Predictions from early steps are blurry pictures that a reward may not know.")]
    [Range(1, 1000)]
    public int LastSteps { get; init; } = 11;

    /// <summary>Draws the trained step of N.</summary>
    internal int DrawStep(RandomKey key, int steps) => steps - key.Open().NextInt(1, Math.Min(LastSteps, steps) + 1);
}
