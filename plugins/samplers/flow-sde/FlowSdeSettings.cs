using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Schedules;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>Settings of <c>flow-sde</c>. The defaults are those of Flow-GRPO (arXiv 2505.05470) for Stable Diffusion 3.5.</summary>
public sealed record FlowSdeSettings : ScheduleSettings
{
    /// <summary>a.</summary>
    [Description("Noise level a: the step's noise scale is a sqrt(sigma / (1 - sigma)). 0 is the deterministic flow.")]
    [Range(0, 10)]
    public double NoiseLevel { get; init; } = 0.7;

    /// <summary>σ̃ at the pole.</summary>
    [Description("What stands for sigma in 1 - sigma at sigma = 1, where it would be zero; null takes the second noise level of the schedule.")]
    [Range(0, 0.9999)]
    public double? SigmaMax { get; init; }
}
