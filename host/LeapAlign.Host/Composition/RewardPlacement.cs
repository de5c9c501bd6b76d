using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>Whether rewards can be where plugins.json places them.</summary>
internal static class RewardPlacement
{
    /// <summary>Checks all rewards.</summary>
    /// <param name="rewards">In the order of the list.</param>
    /// <param name="source">plugins.json.</param>
    /// <returns>LA3003 for one that has no weights to leave on the host, or that scores latents and is not where the model is.</returns>
    public static Result<Unit> Check(IReadOnlyList<RewardPlan> rewards, JsonSource source) =>
        Result.All(rewards.Select(reward => Check(reward, source.Place(JsonSource.Join(reward.Part.Place?.Key ?? PartSection.Rewards, "placement"))))).Map(static _ => Unit.Value);

    private static Result<Unit> Check(RewardPlan reward, SourcePlace place) => reward.Placement == PlacedPart.Run ? Unit.Value : Requirements.Provides(reward.Part).Bind(offers =>
    {
        if (offers.Contains(Capabilities.LatentReward)) return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"the reward '{reward.Part.Name}' scores latents, with the network of the model, and is where that is: leave its placement out", place);
        return reward.Placement != PlacedPart.Host || offers.Contains(Capabilities.HostWeights)
            ? Result.Ok(Unit.Value)
            : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"the reward '{reward.Part.Name}' cannot leave its weights in the memory of the machine; its placement is run or the name of a device", place);
    });
}
