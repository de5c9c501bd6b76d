using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Groups;

namespace LeapAlign.Algorithms.Grpo.Settings;

/// <summary>Settings of <c>dance-grpo</c>. The defaults are those of arXiv 2505.07818, which samples with <c>dance-sde</c>.</summary>
public sealed record DanceGrpoSettings : GrpoSettings
{
    /// <summary>The published values.</summary>
    public DanceGrpoSettings()
    {
        SharedNoise = true;
        AdvantageDeviation = DeviationScope.Group;
        UnbiasedDeviation = true;
        DeviationFloor = 1e-8;
    }

    /// <summary>The share of steps that is trained.</summary>
    [Description("Share of the steps (all but the last) that each micro-batch trains, drawn anew and in a random order.")]
    [Range(0.001, 1)]
    public double TrainedFraction { get; init; } = 0.6;
}
