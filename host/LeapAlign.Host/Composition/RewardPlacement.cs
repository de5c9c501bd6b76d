using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>Whether rewards can be where plugins.json places them.</summary>
internal static class RewardPlacement
{
    /// <summary>Checks all rewards.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="source">plugins.json.</param>
    /// <returns>LA3003 for one that has no weights to leave on the host, that scores latents and is not where the model is, or that processes score which there are not; and for processes that would score nothing.</returns>
    public static Result<Unit> Check(RunPlan plan, JsonSource source) =>
        from each in Result.All(plan.Rewards.Select(reward => Check(reward, plan.Run.Scorers, source.Place(JsonSource.Join(reward.Part.Place?.Key ?? PartSection.Rewards, "placement")))))
        from used in Used(plan, source)
        select used;

    private static Result<Unit> Check(RewardPlan reward, int scorers, SourcePlace place) => reward.Placement == PlacedPart.Run ? Unit.Value : Requirements.Provides(reward.Part).Bind(offers =>
    {
        Result<Unit> Unfit(string why) => new Fault.Composition(FaultCodes.SettingsDoNotFit, $"the reward '{reward.Part.Name}' {why}", place);
        if (offers.Contains(Capabilities.LatentReward)) return Unfit("scores latents, with the network of the model, and is where that is: leave its placement out");
        if (reward.Placement == PlacedPart.Host && !offers.Contains(Capabilities.HostWeights)) return Unfit("cannot leave its weights in the memory of the machine; its placement is run or the name of a device");
        if (ScorerPlacement.Of(reward) is not { } placed) return Unit.Value;
        if (scorers == 0) return Unfit("is computed by processes that only score, and there are none: set run.scorers, or leave its placement out");
        return placed.Index >= scorers ? Unfit($"is computed by process {placed.Index} of those that score, and run.scorers is {scorers}: they are {(scorers == 1 ? "scorer:0" : $"scorer:0 to scorer:{scorers - 1}")}") : Unit.Value;
    });

    private static Result<Unit> Used(RunPlan plan, JsonSource source)
    {
        if (plan.Run.Scorers == 0) return Unit.Value;
        Result<Unit> Unfit(string why) => new Fault.Composition(FaultCodes.SettingsDoNotFit, $"run.scorers is {plan.Run.Scorers}, {why}", source.Place("run.scorers"));
        if (plan.Collective is null) return Unfit("but plugins.json has no \"collective\" that would join the processes");
        var idle = Enumerable.Range(0, plan.Run.Scorers).Where(index => !plan.Rewards.Any(reward => ScorerPlacement.Of(reward) is { } placed && (placed.Index ?? index) == index)).ToList();
        return idle.Count == 0 ? Unit.Value : Unfit(idle.Count == plan.Run.Scorers ? "but no reward has the placement scorer" : $"but no reward has the placement scorer or scorer:{idle[0]}");
    }
}
