using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Schedules;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>Settings of <c>dance-sde</c>. The defaults are those of DanceGRPO (arXiv 2505.07818); MixGRPO uses η = 0.7 on 25 steps.</summary>
public sealed record DanceSdeSettings : ScheduleSettings
{
    /// <summary>The published number of steps and spacing.</summary>
    public DanceSdeSettings()
    {
        Steps = 16;
        Schedule = ScheduleKind.Dance;
    }

    /// <summary>η.</summary>
    [Description("Noise scale eta, the same at every step: 0.3 in DanceGRPO, 0.7 in MixGRPO. 0 is the deterministic flow.")]
    [Range(0, 10)]
    public double Eta { get; init; } = 0.3;

    /// <summary>Whether the last step is deterministic.</summary>
    [Description("Whether the sample is the prediction of the last call, as published, instead of a last noisy step.")]
    public bool FinalPrediction { get; init; } = true;
}
