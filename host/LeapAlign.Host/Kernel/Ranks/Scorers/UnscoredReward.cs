using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>In a plan, a reward that processes would compute which are not there: its weights are not read, and its time and memory are not those of the processes that train.</summary>
internal sealed class UnscoredReward : IReward
{
    /// <summary>The reward of a plan; null for one that the processes that train compute.</summary>
    public static RunReward? Of(RewardPlan plan, Device device) => ScorerPlacement.Of(plan) is null ? null : new RunReward(plan, new UnscoredReward(), device);

    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => throw new InvalidOperationException("nobody computes this reward");
}
