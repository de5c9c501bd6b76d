using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Methods.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct;

/// <summary>The objective that all of these methods end in: the mean hinge loss of the rewards of some latents.</summary>
internal static class RewardObjective
{
    /// <summary>Scores latents, with gradient.</summary>
    /// <param name="batch">Whose samples.</param>
    /// <param name="latents">[B, ...], or several whole batches one after another.</param>
    /// <param name="settings">λ and κ.</param>
    /// <param name="measurements">What was measured beside the reward.</param>
    public static Objective Of(MicroBatch batch, Tensor latents, RewardLossSettings settings, params NamedTensor[] measurements)
    {
        var rewards = batch.Score.Run(latents).Total;
        return new Objective(RewardLoss.Hinge(rewards, settings).mean(), [new NamedTensor("reward", rewards.detach()), .. measurements]);
    }
}
