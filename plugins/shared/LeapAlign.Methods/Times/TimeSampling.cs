using System.Text.Json.Serialization;

namespace LeapAlign.Methods.Times;

/// <summary>How the noise levels are chosen at which a clean sample is trained.</summary>
public sealed record TimeSampling
{
    /// <summary>The distribution.</summary>
    public TimeKind Kind { get; init; }

    /// <summary>T, times of one sample in a step; null takes as many as the rollout has steps in the range.</summary>
    public int? Count { get; init; }

    /// <summary>Where the range begins, as a fraction of the way from noise to data.</summary>
    public double From { get; init; }

    /// <summary>Where the range ends, as a fraction of the way from noise to data.</summary>
    public double To { get; init; } = 1;

    /// <summary>Whether discrete times may be the first step of the rollout, which has no picture in it.</summary>
    public bool InitialStep { get; init; } = true;

    /// <summary>Whether each sample of a micro-batch has times of its own.</summary>
    public bool PerSample { get; init; }

    /// <summary>Mean of the normal distribution behind logit-normal times.</summary>
    public double LogitMean { get; init; }

    /// <summary>Its standard deviation.</summary>
    public double LogitDeviation { get; init; } = 1;

    /// <summary>s of <c>S(u) = s u / (1 + (s−1) u)</c> over logit-normal times; above 1 towards noise.</summary>
    public double Shift { get; init; } = 1;
}

/// <summary>The distribution of training times.</summary>
public enum TimeKind
{
    /// <summary>Steps of the rollout.</summary>
    [JsonStringEnumMemberName("discrete")]
    Discrete,

    /// <summary>Uniform in σ.</summary>
    [JsonStringEnumMemberName("uniform")]
    Uniform,

    /// <summary>The logistic function of a normal number.</summary>
    [JsonStringEnumMemberName("logit-normal")]
    LogitNormal,
}
