using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Samplers;

/// <summary>Integrates the flow from noise to data: a fold over the schedule.</summary>
public interface ISampler
{
    /// <summary>The noise levels for a model.</summary>
    /// <param name="scheduling">What the model's own scheduler says.</param>
    /// <param name="steps">N; null takes the sampler's setting.</param>
    Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null);

    /// <summary>
    /// Goes from <c>σ_0</c> to 0, evaluating <paramref name="velocity"/> in the order of the schedule. So that memory does not grow with N, the sampler
    /// disposes each state it made and each velocity it was handed as soon as the next state exists: a decorator that keeps one keeps an alias of it
    /// (<c>detach()</c> or <c>alias()</c>).
    /// </summary>
    /// <param name="noise">The state at σ_0, [B, ...]; its type is the type of the arithmetic.</param>
    /// <param name="schedule">The noise levels.</param>
    /// <param name="velocity">Given the state and the step, the velocity. It may be a decorated one.</param>
    /// <returns>The state at σ = 0. With gradients enabled it carries the graph of whatever <paramref name="velocity"/> returned.</returns>
    Tensor Roll(Tensor noise, Schedule schedule, Velocity velocity);
}
