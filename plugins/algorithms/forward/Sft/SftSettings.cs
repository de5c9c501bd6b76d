using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Algorithms.Forward.Times;

namespace LeapAlign.Algorithms.Forward.Sft;

/// <summary>Settings of <c>sft</c>.</summary>
public sealed record SftSettings
{
    /// <summary>T.</summary>
    [Description("Training times of each picture in a step.")]
    [Range(1, 1000)]
    public int Timesteps { get; init; } = 1;

    /// <summary>Whether times are uniform.</summary>
    [Description("How training times are drawn: logit-normal (most in the middle, as SD3 was trained), uniform (in sigma), discrete (steps of the sampler).")]
    public TimeKind Times { get; init; } = TimeKind.LogitNormal;

    /// <summary>Mean of logit-normal times.</summary>
    [Description("Mean of the normal distribution behind logit-normal times.")]
    [Range(-10, 10)]
    public double LogitMean { get; init; }

    /// <summary>Standard deviation of logit-normal times.</summary>
    [Description("Standard deviation of the normal distribution behind logit-normal times.")]
    [Range(1e-3, 10)]
    public double LogitDeviation { get; init; } = 1;

    /// <summary>Shift of logit-normal times.</summary>
    [Description("Shift s of logit-normal times, S(u) = s u / (1 + (s-1) u): above 1 towards noise; SD3 was trained with 3 at 1024 pixels.")]
    [Range(0.01, 100)]
    public double TimeShift { get; init; } = 1;

    internal TimeSampling Sampling() => new()
    {
        Kind = Times,
        Count = Timesteps,
        PerSample = true,
        LogitMean = LogitMean,
        LogitDeviation = LogitDeviation,
        Shift = TimeShift,
    };
}
