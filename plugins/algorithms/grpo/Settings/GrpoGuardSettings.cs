using System.ComponentModel;
using LeapAlign.Methods.Groups;

namespace LeapAlign.Algorithms.Grpo.Settings;

/// <summary>Settings of <c>grpo-guard</c>. The defaults are those of arXiv 2510.22319 for GenEval and OCR.</summary>
public sealed record GrpoGuardSettings : GrpoSettings
{
    /// <summary>The published values.</summary>
    public GrpoGuardSettings()
    {
        ClipLow = 2e-6;
        ClipHigh = 2e-6;
        Updates = 2;
        AdvantageDeviation = DeviationScope.Group;
    }

    /// <summary>Whether steps weigh alike.</summary>
    [Description("Whether each step's policy loss is divided by its length in sigma, to which its gradient is proportional.")]
    public bool Reweight { get; init; } = true;
}
