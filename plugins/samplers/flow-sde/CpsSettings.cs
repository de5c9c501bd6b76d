using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Schedules;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>Settings of <c>cps</c>.</summary>
public sealed record CpsSettings : ScheduleSettings
{
    /// <summary>a.</summary>
    [Description("Noise level a: sin(a pi/2) of the noise is fresh at each step. 0 is the deterministic flow, 1 noises the prediction anew; 0.8 is recommended.")]
    [Range(0, 1)]
    public double NoiseLevel { get; init; } = 0.8;
}
