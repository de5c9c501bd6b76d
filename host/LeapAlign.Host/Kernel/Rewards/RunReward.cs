using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>A reward of the run, at work.</summary>
/// <param name="plan">What plugins.json says of it.</param>
/// <param name="reward">The reward.</param>
internal sealed class RunReward(RewardPlan plan, IReward reward)
{
    /// <summary>What plugins.json says of it.</summary>
    public RewardPlan Plan => plan;

    /// <summary>Its name in the run.</summary>
    public string Name => plan.Part.Name;

    /// <summary>What it is for.</summary>
    public RewardRole Role => plan.Role;

    /// <summary>Its factor in the trained sum.</summary>
    public double Weight => plan.Weight;

    /// <summary>Whether its mean in an evaluation is that over the means of tasks, as GenEval counts, instead of that over pictures.</summary>
    public bool ByTask => plan.ByTask;

    /// <summary>The reward.</summary>
    public IReward Reward { get; } = reward;

    /// <summary><c>(score − offset) / scale</c>, which training sees; metrics and evaluations have the scores themselves.</summary>
    public Tensor Normalized(Tensor scores) => plan is { Offset: 0, Scale: 1 } ? scores : (scores - plan.Offset) / plan.Scale;
}
