using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Methods.Groups;
using LeapAlign.Methods.Times;

namespace LeapAlign.Algorithms.Forward;

/// <summary>The settings of methods that roll samples out, score them and train on their noised versions.</summary>
public abstract record ForwardSettings : AdvantageSettings
{
    /// <summary>T.</summary>
    [Description("Training times T of each sample in a step; null takes as many as the sampler has steps in the range.")]
    [Range(1, 1000)]
    public int? Timesteps { get; init; }

    /// <summary>The distribution of training times.</summary>
    [Description("How training times are drawn, one in each of T pieces of the range: discrete (steps of the sampler), uniform (in sigma), logit-normal (most in the middle).")]
    public TimeKind Times { get; init; } = TimeKind.Discrete;

    /// <summary>Where the range begins.</summary>
    [Description("Where the range of training times begins, as a fraction of the way from noise to data.")]
    [Range(0, 1)]
    public double TimeRangeStart { get; init; }

    /// <summary>Where the range ends.</summary>
    [Description("Where the range of training times ends, as a fraction of the way from noise to data.")]
    [Range(0, 1)]
    public double TimeRangeEnd { get; init; } = 0.99;

    /// <summary>Whether the first step of the sampler is a training time.</summary>
    [Description("Whether discrete training times may be the sampler's first step, pure noise.")]
    public bool InitialStep { get; init; } = true;

    /// <summary>Whether each sample has times of its own.</summary>
    [Description("Whether each sample has training times of its own, instead of those of its micro-batch.")]
    public bool TimesPerSample { get; init; }

    /// <summary>Mean of logit-normal times.</summary>
    [Description("Mean of the normal distribution behind logit-normal times.")]
    [Range(-10, 10)]
    public double LogitMean { get; init; }

    /// <summary>Standard deviation of logit-normal times.</summary>
    [Description("Standard deviation of the normal distribution behind logit-normal times.")]
    [Range(1e-3, 10)]
    public double LogitDeviation { get; init; } = 1;

    /// <summary>Shift of logit-normal times.</summary>
    [Description("Shift s of logit-normal times, S(u) = s u / (1 + (s-1) u): above 1 towards noise.")]
    [Range(0.01, 100)]
    public double TimeShift { get; init; } = 1;

    /// <summary>Optimizer updates of a step.</summary>
    [Description("Optimizer updates of a step: its losses are taken in as many portions.")]
    [Range(1, 1000)]
    public int Updates { get; init; } = 1;

    /// <summary>Whether the trained policy is evaluated with guidance.</summary>
    [Description("Whether velocities in the loss are those with the model's guidance; otherwise the caption's alone.")]
    public bool Guided { get; init; }

    /// <summary>Whether samples are rolled out with guidance.</summary>
    [Description("Whether samples are rolled out with the model's guidance.")]
    public bool RolloutGuided { get; init; } = true;

    internal TimeSampling Sampling() => new()
    {
        Kind = Times,
        Count = Timesteps,
        From = TimeRangeStart,
        To = TimeRangeEnd,
        InitialStep = InitialStep,
        PerSample = TimesPerSample,
        LogitMean = LogitMean,
        LogitDeviation = LogitDeviation,
        Shift = TimeShift,
    };

    internal int TimesOf(int steps) => new TrainingTimes(Sampling()).Count(steps);
}
