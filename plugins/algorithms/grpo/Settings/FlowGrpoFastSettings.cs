using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Algorithms.Grpo.Settings;

/// <summary>Settings of <c>flow-grpo-fast</c>. The defaults are those of its published recipe without guidance, which samples with <c>cps</c>.</summary>
public sealed record FlowGrpoFastSettings : GrpoSettings
{
    /// <summary>The published values.</summary>
    public FlowGrpoFastSettings()
    {
        ClipLow = 1e-5;
        ClipHigh = 1e-5;
        Updates = 2;
    }

    /// <summary>W.</summary>
    [Description("Steps W of the window, which alone are random and trained; 0 takes the whole path, as flow-grpo.")]
    [Range(0, 1000)]
    public int Window { get; init; } = 3;

    /// <summary>lo.</summary>
    [Description("The first step (0 is the noisiest) at which a window may begin.")]
    [Range(0, 1000)]
    public int RangeStart { get; init; }

    /// <summary>hi.</summary>
    [Description("The step before which every window ends; null is half of the sampler's steps. Early steps have the wider densities and the smaller errors of rounding.")]
    [Range(1, 1000)]
    public int? RangeEnd { get; init; }
}
