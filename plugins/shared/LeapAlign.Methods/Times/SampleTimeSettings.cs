using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace LeapAlign.Methods.Times;

/// <summary>The settings of losses at training times that each sample has of its own, all the way from noise to data.</summary>
public abstract record SampleTimeSettings
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

    /// <summary>The same as times of each sample's own.</summary>
    public TimeSampling Sampling() => new()
    {
        Kind = Times,
        Count = Timesteps,
        PerSample = true,
        LogitMean = LogitMean,
        LogitDeviation = LogitDeviation,
        Shift = TimeShift,
    };
}
