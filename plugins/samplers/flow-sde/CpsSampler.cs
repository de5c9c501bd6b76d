using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>
/// Coefficients-preserving sampling (arXiv 2509.05952): the states stay at the noise levels of the schedule however much fresh noise enters, so few steps give
/// cleaner samples than an SDE. The last step is deterministic. The log-probability leaves out the variance, so ratios are flat: use a small clip range.
/// </summary>
/// <param name="settings">a and the noise levels.</param>
public sealed class CpsSampler(CpsSettings settings) : IStochasticSampler
{
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
        return StochasticStep.CoefficientsPreserving(latents, velocity, schedule.Sigma(step), schedule.Sigma(step + 1), settings.NoiseLevel);
    }
}
