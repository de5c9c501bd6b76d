using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Ranks.Scorers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>Makes the rewards of a plan, each once; one that is made of another has that made first, wherever it stands.</summary>
/// <param name="plans">The rewards.</param>
/// <param name="model">The model; null where there is none, and no reward of latents.</param>
/// <param name="context">Makes the context of a part.</param>
/// <param name="owned">Takes what is to be disposed.</param>
/// <param name="elsewhere">Those that other processes compute, on the device of the run; null where this one computes all.</param>
internal sealed class RewardMaking(IReadOnlyList<RewardPlan> plans, IModel? model, Func<PartPlan, PartContext> context, List<IDisposable> owned, Func<RewardPlan, Device, RunReward?>? elsewhere = null)
{
    private readonly Dictionary<string, RunReward> _made = [];
    private readonly List<string> _underWay = [];

    /// <summary>All of them, in their order.</summary>
    public Result<IReadOnlyList<RunReward>> All() => Result.All(plans.Select(Of));

    /// <summary>Those that this process computes for others, and what they are made of.</summary>
    /// <param name="own">The processes that score, of which this is one.</param>
    public Result<IReadOnlyList<RunReward>> OfScorer(RunScorers own) => Result.All(plans.Where(own.Has).Select(Of));

    private Result<RunReward> Of(RewardPlan plan)
    {
        var name = plan.Part.Name;
        if (_made.TryGetValue(name, out var made)) return made;
        if (elsewhere?.Invoke(plan, context(plan.Part).Device) is { } other) return _made[name] = other;
        _underWay.Add(name);
        var result =
            from place in PlacedPart.Of(ScorerPlacement.Here(plan), context(plan.Part)).Match(Result.Ok, fault => Result.Fail<PlacedPart>(fault with { Place = plan.Part.Place }))
            from reward in RunParts.Make<object>(plan.Part, part => context(part).At(place).WithRewards(other => Other(other, plan.Part)), owned)
            from attached in reward is ILatentReward latent && model is not null ? Attached(latent, plan.Part, model) : Unit.Value
            select new RunReward(plan, reward, place.Device, context(plan.Part).Stop);
        _underWay.Remove(name);
        return result.Map(done => _made[name] = done);
    }

    private Result<IReward> Other(string name, PartPlan asking)
    {
        Result<IReward> No(string why) => new Fault.Composition(FaultCodes.NoRewardOfReward, $"the reward '{asking.Name}' is made of the reward '{name}', {why}", asking.Place);
        if (_underWay.Contains(name)) return No(name == asking.Name ? "which is itself" : "which is made of it");
        if (plans.FirstOrDefault(plan => plan.Part.Name == name) is not { } wanted)
            return No(plans.Count > 1 ? $"and there is none of that name; there is {string.Join(", ", plans.Select(static plan => $"'{plan.Part.Name}'").Where(other => other != $"'{asking.Name}'"))}" : "and there is no other here");
        if (elsewhere is not null && ScorerPlacement.Of(wanted) is not null) return No($"which other processes compute (placement \"{wanted.Placement}\"); give both the same placement");
        return Of(wanted).Bind(reward => reward switch
        {
            { Latent: not null } => No("which scores latents; it takes one that scores pictures"),
            { Compares: true } => No("which compares the pictures of a prompt; it takes one that scores each by itself"),
            _ => Result.Ok<IReward>(reward.IsDifferentiable ? new CheckedDifferentiableReward(reward) : new CheckedReward(reward)),
        });
    }

    private static Result<Unit> Attached(ILatentReward reward, PartPlan part, IModel model)
    {
        try
        {
            return part.Guard($"attaching the reward '{part.Name}'", () => reward.Attach(model)).Match(Result.Ok, fault => Result.Fail<Unit>(fault with { Place = fault.Place ?? part.Place }));
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }
}
