using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;

namespace LeapAlign.Methods.Schedules;

/// <summary>The settings of every sampler's noise levels.</summary>
public abstract record ScheduleSettings
{
    /// <summary>N.</summary>
    [Description("Sampling steps N: network calls of one sample.")]
    [Range(1, 1000)]
    public int Steps { get; init; } = 10;

    /// <summary>How noise levels are spaced.</summary>
    [Description("How noise levels are spaced: explicit and auto (as a diffusers pipeline with sigmas = linspace(1, 1/N, N): shifted once, as the model's scheduler says), pipeline-default (as a diffusers pipeline without sigmas: a static shift twice, a dynamic one once), dynamic (explicit with the shift by image size, whatever the scheduler says), dance (linspace(1, 0, N+1), the static shift once).")]
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Auto;

    /// <summary>Overrides the model's shift.</summary>
    [Description("The static shift s of S(u) = s u / (1 + (s-1) u), in place of the model's shift, static or by image size; null takes the model's. dynamic does not use it.")]
    [Range(0.01, 100)]
    public double? Shift { get; init; }

    /// <summary>The noise levels for a model.</summary>
    /// <param name="scheduling">What the model's own scheduler says.</param>
    /// <param name="steps">N; null takes <see cref="Steps"/>.</param>
    /// <exception cref="FaultException"><see cref="FaultCodes.SettingsDoNotFit"/>: the scheduler's settings give no schedule of so many steps.</exception>
    public Schedule Create(FlowScheduling scheduling, int? steps = null)
    {
        ArgumentNullException.ThrowIfNull(scheduling);
        var count = steps ?? Steps;
        var meant = scheduling with
        {
            Shift = Shift ?? scheduling.Shift,
            UseDynamicShifting = Schedule == ScheduleKind.Dynamic || (scheduling.UseDynamicShifting && Shift is null),
        };
        if (Schedule == ScheduleKind.Dance && Beyond(meant) is { } further)
            throw new FaultException(Misfit($"the schedule 'dance' knows a static shift alone, but the model's scheduler_config.json sets {further}"));
        try
        {
            return Schedule switch
            {
                ScheduleKind.PipelineDefault => Sigmas.PipelineDefault(meant, count),
                ScheduleKind.Dance => Sigmas.Dance(count, meant.Shift),
                _ => Sigmas.Explicit(meant, count),
            };
        }
        catch (ArgumentException wrong)
        {
            throw new FaultException(Misfit($"the model's scheduler_config.json gives no schedule of {count} steps, {wrong.Message.Split(" (Parameter")[0]}"));
        }
    }

    private static string? Beyond(FlowScheduling scheduling) =>
        scheduling.TerminalSigma is not null ? "shift_terminal"
        : scheduling.Spacing != SigmaSpacing.Flow ? $"{scheduling.Spacing.ToString().ToLowerInvariant()} sigmas"
        : null;

    private static Fault.Composition Misfit(string message) => new(FaultCodes.SettingsDoNotFit, message);
}

/// <summary>How noise levels are spaced.</summary>
public enum ScheduleKind
{
    /// <summary>As explicit: what the model's scheduler says.</summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary><c>linspace(1, 1/N, N)</c>, shifted once as the model's scheduler says.</summary>
    [JsonStringEnumMemberName("explicit")]
    Explicit,

    /// <summary>Between the ends of the training table, which has a static shift, and shifted again.</summary>
    [JsonStringEnumMemberName("pipeline-default")]
    PipelineDefault,

    /// <summary>Shifted by the number of image tokens.</summary>
    [JsonStringEnumMemberName("dynamic")]
    Dynamic,

    /// <summary><c>linspace(1, 0, N+1)</c>, shifted once.</summary>
    [JsonStringEnumMemberName("dance")]
    Dance,
}
