using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Rewards;
using LeapAlign.Pipeline;

namespace LeapAlign.Algorithms.Direct;

/// <summary>Settings of <c>draft</c>. The names are those of DRaFT (arXiv 2309.17400).</summary>
public sealed record DraftSettings : RewardLossSettings
{
    /// <summary>K.</summary>
    [Description("Steps K at the end of the path that the gradient goes through, nested; 1 is the common choice.")]
    [Range(1, 1000)]
    public int GradientSteps { get; init; } = 1;

    /// <summary>n.</summary>
    [Description("Re-noised copies n of the final sample, each taken through the last step again (DRaFT-LV, published with 2): the gradient is the mean over 1 + n. Needs gradientSteps 1.")]
    [Range(0, 64)]
    public int ReNoised { get; init; }

    /// <summary>Whether the K steps are taken backwards one at a time.</summary>
    [Description("Take the K steps backwards one at a time: memory for one step whatever K is, for K more evaluations without gradient.")]
    public bool Checkpoint { get; init; }

    /// <summary>Whether the settings fit each other and a schedule of N steps.</summary>
    /// <returns>LA3003 when they do not.</returns>
    internal Result<Unit> Check(int steps)
    {
        if (GradientSteps > steps) return Refused($"gradientSteps is {GradientSteps}, but the sampler has {steps} steps");
        if (ReNoised > 0 && GradientSteps != 1) return Refused($"reNoised is {ReNoised}, which needs gradientSteps 1, the copies being those of the last step, but it is {GradientSteps}");
        if (ReNoised > 0 && Checkpoint) return Refused($"reNoised is {ReNoised}, whose copies share one backward, but checkpoint is true");
        return Unit.Value;
    }

    private static Fault.Composition Refused(string reason) => new(FaultCodes.SettingsDoNotFit, $"'draft' cannot work with its settings: {reason}");
}
