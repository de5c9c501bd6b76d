using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Schedules;

namespace LeapAlign.Samplers.Dpm;

/// <summary>Settings of <c>dpm</c>: its noise levels, order and noise.</summary>
public sealed record DpmSettings : ScheduleSettings
{
    /// <summary>The order of the method.</summary>
    [Description("Order of the method: 2 uses the prediction of the step before, 1 is Euler's.")]
    [Range(1, 2)]
    public int Order { get; init; } = 2;

    /// <summary>η.</summary>
    [Description("Noise η added where the caller gives some: 0 follows the ODE, 1 is the SDE version of DPM-Solver++ (DDIM with η = 1 in the first order).")]
    [Range(0, 1)]
    public double Eta { get; init; }
}
