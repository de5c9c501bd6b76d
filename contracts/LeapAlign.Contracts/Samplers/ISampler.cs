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
    /// Goes along a path, evaluating its velocity once at each step, in order. So that memory does not grow with N, the sampler disposes each state it made
    /// and each velocity it was handed as soon as it needs them no more: a decorator that keeps one keeps an alias of it (<c>detach()</c> or <c>alias()</c>).
    /// </summary>
    /// <param name="latents">The state at σ_From, [B, ...]; its type is the type of the arithmetic. It is not disposed.</param>
    /// <param name="path">The schedule, the velocity, and which steps.</param>
    /// <returns>
    /// The state at σ_To, a tensor of its own. With gradients enabled it carries the graph of whatever the velocity returned.
    /// </returns>
    Tensor Roll(Tensor latents, SamplingPath path);
}

/// <summary>
/// A sampler whose steps can be random with a known density, which policy-gradient methods need; it provides <c>log-prob</c>. Along a path, a step with noise z
/// goes to <see cref="Transition.Next"/>(z), one without follows the ODE.
/// </summary>
public interface IStochasticSampler : ISampler
{
    /// <summary>The distribution of the state after a step. A pure function: replaying a step gives the bits of the rollout.</summary>
    /// <param name="latents">x_i, [B, ...], fp32 or fp64.</param>
    /// <param name="velocity">v at x_i, the shape of x; the mean carries its graph.</param>
    /// <param name="schedule">The noise levels.</param>
    /// <param name="step">i, 0 ≤ i &lt; N.</param>
    Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step);
}
