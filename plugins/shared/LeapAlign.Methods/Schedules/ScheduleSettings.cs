using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;

namespace LeapAlign.Methods.Schedules;

/// <summary>The settings of every sampler's noise levels.</summary>
public abstract record ScheduleSettings
{
    /// <summary>N.</summary>
    [Description("Sampling steps N: network calls of one sample.")]
    [Range(1, 1000)]
    public int Steps { get; init; } = 10;

    /// <summary>How noise levels are spaced.</summary>
    [Description("How noise levels are spaced: explicit (linspace(1, 1/N, N), shifted once), pipeline-default (as a diffusers pipeline without sigmas: shifted twice), dynamic (shift by image size), dance (linspace(1, 0, N+1), shifted once), auto (dynamic if the model's scheduler says so, otherwise explicit).")]
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Auto;

    /// <summary>Overrides the model's static shift.</summary>
    [Description("The static shift s of S(u) = s u / (1 + (s-1) u); null takes the model's.")]
    [Range(0.01, 100)]
    public double? Shift { get; init; }

    /// <summary>The noise levels for a model.</summary>
    /// <param name="scheduling">What the model's own scheduler says.</param>
    /// <param name="steps">N; null takes <see cref="Steps"/>.</param>
    public Schedule Create(FlowScheduling scheduling, int? steps = null)
    {
        ArgumentNullException.ThrowIfNull(scheduling);
        var count = steps ?? Steps;
        var shift = Shift ?? scheduling.Shift;
        var kind = Schedule != ScheduleKind.Auto ? Schedule
            : scheduling.UseDynamicShifting ? ScheduleKind.Dynamic
            : ScheduleKind.Explicit;
        return kind switch
        {
            ScheduleKind.PipelineDefault => Sigmas.PipelineDefault(count, shift, scheduling.TrainingSteps),
            ScheduleKind.Dynamic => Sigmas.Dynamic(count, Sigmas.Mu(scheduling)),
            ScheduleKind.Dance => Sigmas.Dance(count, shift),
            _ => Sigmas.Explicit(count, shift),
        };
    }
}

/// <summary>How noise levels are spaced.</summary>
public enum ScheduleKind
{
    /// <summary>Dynamic if the model's scheduler says so, otherwise explicit.</summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary><c>linspace(1, 1/N, N)</c>, shifted once.</summary>
    [JsonStringEnumMemberName("explicit")]
    Explicit,

    /// <summary>Between the ends of the shifted training table, shifted again.</summary>
    [JsonStringEnumMemberName("pipeline-default")]
    PipelineDefault,

    /// <summary>Shifted by the number of image tokens.</summary>
    [JsonStringEnumMemberName("dynamic")]
    Dynamic,

    /// <summary><c>linspace(1, 0, N+1)</c>, shifted once.</summary>
    [JsonStringEnumMemberName("dance")]
    Dance,
}
