using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowEuler;

/// <summary>Integrates <c>dx/dσ = v</c> with Euler steps; a constant velocity is integrated exactly.</summary>
/// <param name="settings">Steps and spacing.</param>
public sealed class FlowEulerSampler(FlowEulerSettings settings) : ISampler
{
    /// <inheritdoc/>
    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => settings.Create(scheduling, steps);

    /// <inheritdoc/>
    public Tensor Roll(Tensor latents, SamplingPath path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return SamplerFold.Over(latents, path, (state, velocity, step) => RectifiedFlow.Leap(state, velocity, path.Schedule.Delta(step, step + 1)));
    }
}
