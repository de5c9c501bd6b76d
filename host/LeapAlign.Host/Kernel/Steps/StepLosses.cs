using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>A loss to run backward on.</summary>
/// <param name="Objective">The loss, its share in the update, and what was measured.</param>
/// <param name="Owner">The part that made it.</param>
internal sealed record StepLoss(Objective Objective, PartPlan Owner);

/// <summary>
/// The losses of a step, update by update: the objectives of the algorithm, each made when it is asked for, then those beside it. What was made for one is disposed
/// when the next is asked for.
/// </summary>
internal sealed class StepLosses(AlignmentStep step, RunParts parts, PartPlan algorithm, OpenStages stages)
{
    /// <summary>Whether the objectives beside the algorithm are among them.</summary>
    public bool HasObjectives { get; init; } = true;

    private DisposeScope? _scope;
    private bool _ended;

    /// <summary>The updates, each to be read to its end before the next is asked for.</summary>
    /// <param name="allow">Refuses an update, by its number in the step from 0.</param>
    public IEnumerable<IEnumerable<StepLoss>> Updates(Action<int> allow)
    {
        using var objectives = Begin();
        try
        {
            for (var update = 0; Next(objectives); update++)
            {
                allow(update);
                yield return Of(objectives, update);
            }
        }
        finally
        {
            Release();
        }
    }

    private IEnumerable<StepLoss> Of(IEnumerator<Objective> objectives, int update)
    {
        do
        {
            if (!objectives.Current.IsEmpty) yield return new StepLoss(objectives.Current, algorithm);
        }
        while (!objectives.Current.EndsUpdate && Next(objectives));
        foreach (var ((part, weight), objective) in HasObjectives ? parts.Objectives : [])
        {
            // Made of the sum of the gradients of these losses: it is asked behind them.
            if (objective is IGradientObjective) continue;
            foreach (var batch in step.Batches)
            {
                Release();
                _scope = NewDisposeScope();
                Objective made;
                using (stages.Enter("objective")) made = objective.Of(step, batch, update);
                IReadOnlyList<Measurement> measured = [new(part.Name, made.Loss.detach()), .. made.Measurements.Select(measure => measure.Under(part.Name))];
                yield return new StepLoss(new Objective(made.Loss, measured).Times(made.Share * weight / step.Batches.Count).From(batch), part);
            }
        }
        Release();
    }

    private IEnumerator<Objective> Begin()
    {
        using var stage = stages.Enter("algorithm");
        return parts.Algorithm.Step(step).GetEnumerator();
    }

    private bool Next(IEnumerator<Objective> objectives)
    {
        Release();
        if (_ended) return false;
        _scope = NewDisposeScope();
        using var stage = stages.Enter("algorithm");
        return !(_ended = !objectives.MoveNext());
    }

    private void Release()
    {
        _scope?.Dispose();
        _scope = null;
    }
}
