using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>
/// The reverse SDE of Flow-GRPO (arXiv 2505.05470): <c>s_i = a √(σ_i / (1 − σ̃_i))</c>, where σ̃ = σ except at the pole σ = 1, where it is σ_1. So the first
/// step's deviation is a itself.
/// </summary>
/// <param name="settings">a and the noise levels.</param>
public sealed class FlowSdeSampler(FlowSdeSettings settings) : IStochasticSampler
{
    // A first σ that misses 1 by rounding, or by a scheduler that starts at 0.9999, is the pole as well: s grows without bound towards it.
    private const double PoleTolerance = 1e-3;

    /// <inheritdoc/>
    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => settings.Create(scheduling, steps);

    /// <inheritdoc/>
    public Tensor Roll(Tensor latents, SamplingPath path) => StochasticFold.Over(latents, path, this);

    /// <inheritdoc/>
    public Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step)
    {
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(velocity);
        ArgumentNullException.ThrowIfNull(schedule);
        return StochasticStep.Diffusion(latents, velocity, schedule.Sigma(step), schedule.Sigma(step + 1), Scale(schedule, step));
    }

    private double Scale(Schedule schedule, int step)
    {
        var sigma = schedule.Sigma(step);
        var atPole = step == 0 && sigma >= 1 - PoleTolerance;
        return settings.NoiseLevel * Math.Sqrt(sigma / (1 - (atPole ? settings.SigmaMax ?? schedule.Sigma(1) : sigma)));
    }
}
