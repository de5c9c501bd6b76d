using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Maps;

/// <summary>Jumps along a grid by a flow map: <c>x ← x + (σ_{i+1} − σ_i) u(x, σ_i, σ_{i+1})</c>. On a map that is exact, any grid reaches the same end.</summary>
/// <param name="settings">Steps and spacing.</param>
public sealed class FlowMapSampler(FlowMapSamplerSettings settings) : IFlowMapSampler
{
    /// <inheritdoc/>
    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => settings.Create(scheduling, steps);

    /// <inheritdoc/>
    public Tensor Roll(Tensor latents, SamplingPath path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var map = path.Map ?? throw new InvalidOperationException("the path has no flow map to jump by");
        return SamplerFold.Over(latents, path with { Velocity = (state, step) => map(state, step, step + 1) }, (state, velocity, step) => RectifiedFlow.Leap(state, velocity, path.Schedule.Delta(step, step + 1)));
    }
}

/// <summary>Settings of <c>flow-map</c>: its noise levels.</summary>
public sealed record FlowMapSamplerSettings : ScheduleSettings
{
    /// <summary>Fewer steps than samplers of velocities take.</summary>
    public FlowMapSamplerSettings() => Steps = 4;
}
