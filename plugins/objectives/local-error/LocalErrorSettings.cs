using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Objectives.LocalError;

/// <summary>Settings of <c>local-error</c>.</summary>
public sealed record LocalErrorSettings
{
    /// <summary>The absolute tolerance.</summary>
    [Description("The absolute tolerance: an error counts relative to atol + rtol * |x|.")]
    [Range(0, 1e6, MinimumIsExclusive = true)]
    public double Atol { get; init; } = 1e-2;

    /// <summary>The relative tolerance.</summary>
    [Description("The relative tolerance.")]
    [Range(0, 1e6)]
    public double Rtol { get; init; } = 1e-2;

    /// <summary>The pair of methods.</summary>
    [Description("The pair of methods whose difference is the error: heun (Euler against Heun, 2 evaluations) or dopri (Dormand-Prince 5(4), 7 evaluations).")]
    public SolverPair Pair { get; init; }

    /// <summary>Where the step is taken.</summary>
    [Description("Where the step is taken: steps (at one of the sampler's own steps, all equally often) or random (uniformly between the first noise level and 0).")]
    public StepPlace At { get; init; }

    /// <summary>What is measured of the step.</summary>
    [Description("What is measured of the step: error (its length times the error), or stiffness (how fast the velocity changes with the state, dopri only).")]
    public StepForm Form { get; init; }
}

/// <summary>Two methods of different order that share their evaluations.</summary>
public enum SolverPair
{
    /// <summary>Euler against Heun, order 1 and 2.</summary>
    [JsonStringEnumMemberName("heun")]
    Heun,

    /// <summary>Dormand and Prince's, order 5 and 4.</summary>
    [JsonStringEnumMemberName("dopri")]
    Dopri,
}

/// <summary>Where a step is taken.</summary>
public enum StepPlace
{
    /// <summary>At one of the sampler's own steps.</summary>
    [JsonStringEnumMemberName("steps")]
    Steps,

    /// <summary>Anywhere on the path.</summary>
    [JsonStringEnumMemberName("random")]
    Random,
}

/// <summary>What is measured of a step.</summary>
public enum StepForm
{
    /// <summary>The scaled error times the length of the step.</summary>
    [JsonStringEnumMemberName("error")]
    Error,

    /// <summary>The estimate of the largest eigenvalue of the velocity's Jacobian.</summary>
    [JsonStringEnumMemberName("stiffness")]
    Stiffness,
}
