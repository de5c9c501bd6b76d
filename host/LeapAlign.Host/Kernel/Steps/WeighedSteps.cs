using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>How a step is asked for again.</summary>
/// <param name="Draw">The samples, 0 for the step's own.</param>
internal sealed record AskedStep(int Draw)
{
    /// <summary>The weights of rewards; null for those of plugins.json.</summary>
    public IReadOnlyDictionary<string, double>? Weights { get; init; }

    /// <summary>Takes gradients part by part; null where their sum is asked for.</summary>
    public PartGradients? Parts { get; init; }

    /// <summary>Takes the gradient of each prompt; null where their sum is asked for.</summary>
    public PromptGradients? Prompts { get; init; }

    /// <summary>Whether the objectives beside the algorithm are wanted.</summary>
    public bool HasObjectives { get; init; } = true;
}

/// <summary>Steps of an optimizer that chooses the weights of rewards.</summary>
/// <param name="optimization">The optimization.</param>
/// <param name="plan">The parts whose losses there are.</param>
/// <param name="parts">The parts of the run.</param>
internal sealed class WeighedSteps(IWeighingOptimization optimization, RunPlan plan, RunParts parts)
{
    /// <summary>Steps of an optimization that was told what there is to weigh.</summary>
    /// <param name="optimization">The optimization; null where the optimizer chooses no weights.</param>
    /// <param name="plan">The composition.</param>
    /// <param name="parts">Its parts.</param>
    /// <exception cref="FaultException"><see cref="FaultCodes.SettingsDoNotFit"/>.</exception>
    public static WeighedSteps? Of(IWeighingOptimization? optimization, RunPlan plan, RunParts parts)
    {
        if (optimization is null) return null;
        if (parts.Algorithm.Parameters.Count > 0)
            throw new FaultException(new Fault.Composition(FaultCodes.SettingsDoNotFit, $"the optimizer '{plan.Optimizer.Name}' chooses the weights of rewards, and the algorithm '{plan.Algorithm.Name}' brings parameters of its own, which would choose others", plan.Optimizer.Place));
        Tell(optimization, plan);
        return new WeighedSteps(optimization, plan, parts);
    }

    /// <summary>Tells an optimization what there is to weigh.</summary>
    /// <param name="optimization">The optimization.</param>
    /// <param name="plan">The composition.</param>
    /// <exception cref="FaultException"><see cref="FaultCodes.SettingsDoNotFit"/>.</exception>
    public static void Tell(IWeighingOptimization optimization, RunPlan plan)
    {
        var rewards = plan.Rewards.Where(static reward => reward.Role == RewardRole.Train).ToDictionary(static reward => reward.Part.Name, static reward => reward.Weight, StringComparer.Ordinal);
        if (!optimization.Meet(rewards, [.. plan.Objectives.Select(static objective => objective.Part.Name)]).TryGet(out _, out var fault)) throw new FaultException(fault);
    }

    /// <summary>The weights of the next step.</summary>
    public IReadOnlyDictionary<string, double> Weights => optimization.Weights;

    /// <summary>Takes the gradients of a step part by part.</summary>
    /// <param name="all">Everything that has gradients.</param>
    /// <param name="gradients">Joins them over shards and processes.</param>
    /// <param name="objectives">Whether the objectives beside the algorithm are among the parts.</param>
    public PartGradients Begin(ParameterSet all, ShardGradients gradients, bool objectives) =>
        new(all, gradients, parts.Ranks, [plan.Algorithm, .. objectives ? parts.Objectives.Select(static objective => objective.Plan.Part) : []], parts.Share.Batches);
}
