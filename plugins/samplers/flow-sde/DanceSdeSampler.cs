using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>
/// The reverse SDE of DanceGRPO (arXiv 2505.07818): the noise scale is η at every σ. The model sees each σ itself, not the published code's timestep, which
/// is cut to a whole number of thousandths.
/// </summary>
/// <param name="settings">η, the noise levels and what the last step gives.</param>
public sealed class DanceSdeSampler(DanceSdeSettings settings) : IStochasticSampler
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
        // The Euler step to σ = 0 is x̂_0.
        var scale = settings.FinalPrediction && step == schedule.Steps - 1 ? 0 : settings.Eta;
        return StochasticStep.Diffusion(latents, velocity, schedule.Sigma(step), schedule.Sigma(step + 1), scale);
    }
}
