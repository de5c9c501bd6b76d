using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowEuler;

/// <summary>Integrates <c>dx/dσ = v</c> with Euler steps; a constant velocity is integrated exactly.</summary>
/// <param name="settings">Steps and spacing.</param>
public sealed class FlowEulerSampler(FlowEulerSettings settings) : ISampler
{
    /// <inheritdoc/>
    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null)
    {
        ArgumentNullException.ThrowIfNull(scheduling);
        var count = steps ?? settings.Steps;
        var shift = settings.Shift ?? scheduling.Shift;
        var kind = settings.Schedule != ScheduleKind.Auto ? settings.Schedule
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

    /// <inheritdoc/>
    public Tensor Roll(Tensor noise, Schedule schedule, Velocity velocity)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(velocity);
        var state = noise;
        for (var step = 0; step < schedule.Steps; step++)
        {
            using var slope = velocity(state, step);
            var next = RectifiedFlow.Leap(state, slope, schedule.Delta(step, step + 1));
            if (step > 0) state.Dispose();
            state = next;
        }
        return state;
    }
}
