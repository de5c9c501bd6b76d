using LeapAlign.Contracts.Algorithms;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Stages;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What becomes of the rewards of a step behind its update: whether the update is kept for them (<c>guard.fallen</c>), and rewards that learn from what they scored.</summary>
internal sealed class StepRewards(RunPlan plan, RunParts parts, StepBatches batches, OpenStages stages)
{
    /// <summary>
    /// Whether the trained rewards of the step's samples are at the new weights what they were, or more; otherwise the old weights come back. What the optimizer keeps of the gradient stays, as that of any other step.
    /// </summary>
    /// <param name="index">The step, from 0.</param>
    /// <param name="tally">Knows the rewards at the old weights, and takes what is measured.</param>
    /// <param name="before">The old weights.</param>
    public bool Rose(int index, StepTally tally, KeptWeights before)
    {
        var (then, now) = (Weighed(tally.PendingRewards), Weighed(Again(index)));
        var rose = !(now < then);
        tally.Measure("rewards_after", now, plan.Algorithm);
        tally.Measure("kept_updates", rose ? 1 : 0, plan.Algorithm);
        if (rose) return true;
        before.Restore();
        using (stages.Enter("refresh")) parts.Trained.Refresh();
        return false;
    }

    /// <summary>Rewards that learn from what they scored do so between two steps, so that all samples of a step have gradients of one kind.</summary>
    /// <param name="index">The step, from 0.</param>
    /// <param name="tally">Takes what is measured.</param>
    public void Learn(int index, StepTally tally)
    {
        foreach (var reward in parts.Rewards)
        {
            if (reward.Learning is not { } learning) continue;
            using var stage = stages.Enter("learn");
            foreach (var (name, value) in learning.Learn(index, batches.KeyOf(index, reward.Name))) tally.Measure($"{reward.Name}_{name}", value, reward.Plan.Part);
        }
    }

    private double Weighed(IReadOnlyDictionary<string, double> rewards) =>
        parts.Rewards.Where(reward => rewards.ContainsKey(reward.Name)).Sum(reward => reward.Weight * reward.Normalized(rewards[reward.Name]));

    // The step once more without a backward: only what it scores is of interest.
    private IReadOnlyDictionary<string, double> Again(int index)
    {
        var tally = new StepTally(parts.Ranks);
        using var calls = new GraphCalls();
        using var scope = NewDisposeScope();
        using var step = batches.Of(index, tally.Score);
        using var objectives = parts.Algorithm.Step(step).GetEnumerator();
        for (var more = true; more;)
        {
            using var inner = NewDisposeScope();
            using var stage = stages.Enter("algorithm");
            more = objectives.MoveNext();
        }
        batches.Watch.Clear();
        tally.Reduce();
        return tally.PendingRewards;
    }
}
