using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>The objectives of a run that are made of the gradients of an update. Each is given those of the losses alone, and not what another one adds.</summary>
internal sealed class GradientObjectives
{
    private readonly IReadOnlyList<(WeighedObjective Entry, IGradientObjective Objective)> _objectives;
    private readonly ParameterSet _trained;
    private readonly ParameterSet _own;
    private readonly Optimizations _optimizations;
    private readonly OpenStages _stages;

    private GradientObjectives(IReadOnlyList<(WeighedObjective, IGradientObjective)> objectives, RunParts parts, Optimizations optimizations, OpenStages stages) =>
        (_objectives, _trained, _own, _optimizations, _stages) = (objectives, parts.Trained.Parameters, parts.Algorithm.Parameters, optimizations, stages);

    /// <summary>Those of a run; null where there is none.</summary>
    public static GradientObjectives? Of(RunParts parts, Optimizations optimizations, OpenStages stages)
    {
        (WeighedObjective, IGradientObjective)[] objectives = [.. from entry in parts.Objectives where entry.Objective is IGradientObjective select (entry, (IGradientObjective)entry.Objective)];
        return objectives.Length == 0 ? null : new GradientObjectives(objectives, parts, optimizations, stages);
    }

    /// <summary>Refuses an update of a step after the first: the step could not be asked for again.</summary>
    /// <param name="update">Its number in the step, from 0.</param>
    public void Allow(int update)
    {
        if (update == 0) return;
        var part = _objectives[0].Entry.Plan.Part;
        throw new FaultException(new Fault.Composition(
            FaultCodes.RequirementNotMet, $"the objective '{part.Name}' requires '{Capabilities.Replay}', which the algorithm provides, but it makes several updates in a step", part.Place));
    }

    /// <summary>Adds what they say to the gradients of an update, which are complete.</summary>
    /// <param name="step">The step of the run.</param>
    /// <param name="tally">Takes what they measure.</param>
    public void Add(int step, StepTally tally)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        List<(Parameter Parameter, Tensor Added)> all = [];
        var here = new PlayerGradients([.. _trained.Select(static parameter => parameter.Value.grad)], [.. _own.Select(static parameter => parameter.Value.grad)]);
        foreach (var (((part, weight), _), objective) in _objectives)
        {
            using var stage = _stages.Enter("objective");
            var field = new GradientField(_trained, _own, here)
            {
                Elsewhere = (trained, own, draw) => Elsewhere(step, trained, own, draw),
                Measured = (name, value) => tally.Measure($"{part.Name}_{name}", value, part),
            };
            var added = objective.Of(field);
            all.AddRange(_trained.Zip(added.Trained).Concat(_own.Zip(added.Own)).Where(static pair => pair.Second is not null).Select(pair => (pair.First, pair.Second! * weight)));
        }
        foreach (var (parameter, added) in all)
        {
            if (parameter.Value.grad is { } gradient) gradient.add_(added);
            else parameter.Value.grad = added;
        }
    }

    private PlayerGradients Elsewhere(int step, IReadOnlyList<Tensor>? trained, IReadOnlyList<Tensor>? own, int draw)
    {
        IReadOnlyList<Tensor>? values = trained is null && own is null
            ? null
            : [.. trained ?? [.. _trained.Select(static parameter => parameter.Value)], .. own ?? [.. _own.Select(static parameter => parameter.Value)]];
        var there = _optimizations.Elsewhere(step, draw, values, _optimizations.Parameters).Gradients;
        return new PlayerGradients([.. there.Take(_trained.Count)], [.. there.Skip(_trained.Count)]);
    }
}
