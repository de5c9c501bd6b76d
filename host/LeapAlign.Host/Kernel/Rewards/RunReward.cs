using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>A reward of the run, at work.</summary>
/// <param name="plan">What plugins.json says of it.</param>
/// <param name="reward">The reward, under any of its contracts.</param>
/// <param name="device">Where it computes.</param>
/// <param name="stop">Asks the run to stop; a reward may then give up waiting.</param>
internal sealed class RunReward(RewardPlan plan, object reward, Device device, CancellationToken stop = default)
{
    private RewardTraits? _traits;

    /// <summary>Asks the run to stop.</summary>
    public CancellationToken Stop => stop;

    /// <summary>What plugins.json says of it.</summary>
    public RewardPlan Plan => plan;

    /// <summary>Whether nobody computes it: other processes would, and this is no run.</summary>
    public bool IsUnscored => reward is UnscoredReward;

    /// <summary>Its name in the run.</summary>
    public string Name => plan.Part.Name;

    /// <summary>What it is for.</summary>
    public RewardRole Role => plan.Role;

    /// <summary>Its factor in the trained sum.</summary>
    public double Weight => plan.Weight;

    /// <summary>Whether its mean in an evaluation is that over the means of tasks, as GenEval counts, instead of that over pictures.</summary>
    public bool ByTask => plan.ByTask;

    /// <summary>The reward, where it scores pictures; null where it scores latents.</summary>
    public IReward? Pictures { get; } = reward is ILatentReward ? null : GroupScoring.Of(reward);

    /// <summary>The reward, where it scores latents; null where it scores pictures. One that could do both is asked for latents.</summary>
    public ILatentReward? Latent => reward as ILatentReward;

    /// <summary>What is known of it; told by the process that computes it, where that is another one.</summary>
    public RewardTraits Traits => reward is RemoteReward remote ? remote.Traits : _traits ??= RewardTraits.Of(reward);

    /// <summary>Whether its scores have gradients.</summary>
    public bool IsDifferentiable => Traits.IsDifferentiable;

    /// <summary>Whether it compares the pictures of a prompt, so that one alone has no score.</summary>
    public bool Compares => Traits.Compares;

    /// <summary>Its scores, where it computes.</summary>
    /// <param name="samples">What is scored.</param>
    /// <param name="lent">A handle of the pictures, or of the latents, for this reward alone.</param>
    public Tensor Score(ScoredSamples samples, Tensor lent)
    {
        if (Latent is not { } latent) return Pictures!.Score(lent.to(device), samples.Prompts);
        using var asked = samples.Of(lent);
        return latent.Score(asked);
    }

    /// <summary>Whether its scores come from people, who are asked only for what a run needs.</summary>
    public bool AsksPeople => plan.Part.Definition.Provides(plan.Part.Settings).Contains(Capabilities.People, StringComparer.Ordinal);

    /// <summary>Where its scores lie; null when it does not say.</summary>
    public ScoreRange? Range => Traits.Range();

    /// <summary>Whether a score that is not a number is one that is missing.</summary>
    public bool MayMiss => Traits.MayMiss;

    /// <summary>The scores that there are, of a reward that may have none for some pictures; of others all.</summary>
    /// <param name="scores">[B], without gradient.</param>
    /// <returns>[n], n ≤ B.</returns>
    // Which there are is a value, and tensors on the "meta" device have none.
    public Tensor Known(Tensor scores) => MayMiss && scores.device_type != TorchSharp.DeviceType.META ? scores[scores.isnan().logical_not()] : scores;

    /// <summary>What it keeps between steps; null when it keeps nothing.</summary>
    public IStateful? State => reward as IStateful;

    /// <summary>The reward, where it learns from what it scored; null where it does not.</summary>
    public ILearningReward? Learning => reward as ILearningReward;

    /// <inheritdoc cref="Normalized(Tensor)"/>
    public double Normalized(double score) => (score - plan.Offset) / plan.Scale;

    /// <summary><c>(score − offset) / scale</c>, which training sees; metrics and evaluations have the scores themselves.</summary>
    public Tensor Normalized(Tensor scores) => plan is { Offset: 0, Scale: 1 } ? scores : (scores - plan.Offset) / plan.Scale;
}
