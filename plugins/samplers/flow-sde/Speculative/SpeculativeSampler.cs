using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.FlowSde.Speculative;

/// <summary>
/// Speculative sampling of an SDE (De Bortoli and others 2025): a drafter proposes γ steps, the target evaluates the γ states in one batch, and each sample keeps proposals up to the first that is rejected, which is reflected. Samples have the
/// target's law exactly, whoever drafts. A path without noise, or one that cannot look ahead, is gone step by step with its own velocity.
/// </summary>
/// <param name="settings">Who drafts, how far, with which noise.</param>
public sealed class SpeculativeSampler(SpeculativeSettings settings) : ISpeculativeSampler
{
    private readonly IStochasticSampler _steps = settings.Noise == DraftNoise.Flow
        ? new FlowSdeSampler(new FlowSdeSettings { NoiseLevel = settings.NoiseLevel, SigmaMax = settings.SigmaMax })
        : new DanceSdeSampler(new DanceSdeSettings { Eta = settings.NoiseLevel, FinalPrediction = settings.FinalPrediction });

    /// <inheritdoc/>
    public bool DraftsForTeacher => settings.Drafter == Drafter.Model;

    /// <inheritdoc/>
    public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => settings.Create(scheduling, steps);

    /// <inheritdoc/>
    public Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step) => _steps.Transition(latents, velocity, schedule, step);

    /// <inheritdoc/>
    public Tensor Roll(Tensor latents, SamplingPath path)
    {
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(path);
        if (path.Ahead is not { } ahead) return StochasticFold.Over(latents, path, this);
        using var draws = new PathDraws(path, ahead);
        // Without noise nothing is accepted by chance, and samples are those of the velocity that was handed in.
        if (!Enumerable.Range(path.From, path.To - path.From).Any(step => draws.Noise(step) is not null)) return StochasticFold.Over(latents, path, this);
        var (target, drafter) = settings.Drafter switch
        {
            Drafter.Model => (ahead.Taught, ahead.Velocity),
            Drafter.Teacher => (ahead.Velocity, ahead.Taught),
            _ => (ahead.Velocity, (VelocityAhead?)null),
        };
        return new DraftedPath(path, draws, this, (target, drafter, settings.Drafts)).Roll(latents);
    }
}
