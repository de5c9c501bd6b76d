using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks.Scorers;

/// <summary>
/// The processes of a run that score for those that train, as one of all of them sees it. All meet once, when their parts are made; after that those that train ask, and tell at their end
/// that they will ask no more.
/// </summary>
/// <param name="processes">All processes of the run.</param>
/// <param name="roles">What they do.</param>
internal sealed class RunScorers(IPeerCommunicator processes, ProcessRoles roles)
{
    private const string Rewards = "the rewards of processes that score";

    private readonly RunRanks _all = new(processes);
    private readonly List<(string Name, RemoteReward Reward)> _remote = [];
    private bool _met;

    /// <summary>What the processes do.</summary>
    public ProcessRoles Roles => roles;

    /// <summary>Whether this process scores for others.</summary>
    public bool IsScorer => roles.IsScorer(processes.Rank);

    /// <summary>What is said.</summary>
    public ScoringMessages Messages { get; } = new(processes);

    /// <summary>Takes the warnings of rewards that other processes compute.</summary>
    public Action<Fault> Warned { get; set; } = static _ => { };

    /// <summary>Whether this process computes a reward.</summary>
    public bool Has(RewardPlan reward) => IsScorer && ScorerPlacement.Of(reward) is { } placement && roles.Has(placement, processes.Rank);

    /// <summary>A reward that another process computes; null for one that this process does.</summary>
    public RunReward? Elsewhere(RewardPlan reward, Device device)
    {
        if (ScorerPlacement.Of(reward) is not { } placement) return null;
        var remote = new RemoteReward(reward.Part.Name, roles.ScorerOf(placement, processes.Rank), Messages, fault => Warned(fault));
        _remote.Add((reward.Part.Name, remote));
        return new RunReward(reward, remote, device);
    }

    /// <summary>What all processes are to have made; rewards of other processes get their traits.</summary>
    /// <param name="own">What this process made.</param>
    /// <param name="rewards">Those that it has for others, if it could make them.</param>
    /// <returns>What this process made, or the fault of the first process that could not.</returns>
    public Result<T> Meet<T>(Result<T> own, Func<T, IEnumerable<RunReward>> rewards)
    {
        // The others are not there any more.
        if (_met) return own;
        return _all.Agreed("parts", own.Bind(made => Whole(rewards(made)).Map(_ => made))).Bind(made =>
        {
            try
            {
                var said = _all.Gather(Rewards, IsScorer ? RewardTraits.Write(rewards(made).ToDictionary(static reward => reward.Name, static reward => reward.Traits)) : []);
                foreach (var (name, remote) in _remote) remote.Take(RewardTraits.Read(said[remote.Scorer])[name]);
                _met = true;
                return Result.Ok(made);
            }
            catch (FaultException exception)
            {
                return exception.Fault;
            }
        });
    }

    /// <summary>What a process does that trains. Where that ends before all have met, the others hear of it first: they wait for this one.</summary>
    /// <param name="run">What it does; it meets the others.</param>
    public Result<Completion> Meet(Func<Result<Completion>> run)
    {
        try
        {
            var own = run();
            return _met ? own : own.Match(completion => _all.Interrupt() is { } other ? Result.Fail<Completion>(other) : completion, fault => Result.Fail<Completion>(_all.Fail(fault)));
        }
        catch (OperationCanceledException) when (!_met)
        {
            return _all.Interrupt() is { } fault ? fault : Completion.Interrupted;
        }
        catch (Exception exception) when (!_met)
        {
            _all.Fail(RankFault.Unexpected(exception));
            throw;
        }
    }

    /// <summary>Tells the processes that score that this one will ask no more.</summary>
    /// <param name="fault">With what it ends; null for none.</param>
    public void End(Fault? fault)
    {
        // They know.
        if (!_met) return;
        for (var scorer = roles.Trainers; scorer < processes.World; scorer++) Messages.Say(scorer, ScoringMessages.End, new TrainerEnd(fault is null ? null : RankFault.Write(fault)), ScoringJson.Default.TrainerEnd);
    }

    // What a reward keeps between steps, or learns, belongs to the processes that train.
    private Result<Unit> Whole(IEnumerable<RunReward> rewards) => !IsScorer ? Unit.Value : Result.All(rewards.Select(static reward =>
    {
        var why = reward.Learning is not null ? "learns from the samples that train" : reward.State is not null ? "keeps a state between steps, which checkpoints have to hold" : null;
        return why is null ? Result.Ok(Unit.Value) : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"the reward '{reward.Name}' {why}, and cannot be computed by a process that only scores: leave its placement out", reward.Plan.Part.Place);
    })).Map(static _ => Unit.Value);
}
