using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What an optimizer asks for beside the accumulated gradient.</summary>
/// <param name="optimizer">The optimizer of the plan.</param>
internal sealed class OptimizerNeeds(PartPlan optimizer)
{
    private readonly HashSet<string> _needs = optimizer.Definition.Requires(optimizer.Settings).ToHashSet(StringComparer.Ordinal);

    /// <summary>Whether a step may be asked for again on these samples.</summary>
    public bool Again(int draw) => draw > 0 ? _needs.Contains(Capabilities.SecondDraw) : _needs.Contains(Capabilities.Replay) || _needs.Contains(Capabilities.HessianVector);

    /// <summary>Whether a step may have one update alone.</summary>
    public bool OneUpdate => Capabilities.OfRepeatableSteps.Any(_needs.Contains);

    /// <summary>Refuses an update of a step after the first, where the algorithm offered what does not allow it.</summary>
    /// <param name="update">Its number in the step, from 0.</param>
    public void Allow(int update)
    {
        if (update == 0 || !OneUpdate) return;
        var needs = string.Join(", ", Capabilities.OfRepeatableSteps.Where(_needs.Contains).Select(static need => $"'{need}'"));
        throw new FaultException(new Fault.Composition(
            FaultCodes.RequirementNotMet, $"the optimizer '{optimizer.Name}' requires {needs}, which the algorithm provides, but it makes several updates in a step", optimizer.Place));
    }

    /// <summary>Refuses an optimization that can take something else than its optimizer requires.</summary>
    public void Check(IOptimization optimization) => _ = (Rows(optimization), Probing(optimization));

    /// <summary>The optimization as one that takes rows; null where it does not.</summary>
    public IRowOptimization? Rows(IOptimization optimization) => As<IRowOptimization>(optimization, Capabilities.Rows);

    /// <summary>The optimization as one that has steps made elsewhere; null where it does not.</summary>
    public IProbingOptimization? Probing(IOptimization optimization) => As<IProbingOptimization>(optimization, Capabilities.Probe);

    // What nobody required, nobody checked against the algorithm.
    private T? As<T>(IOptimization optimization, string need)
        where T : class, IOptimization
    {
        var asked = _needs.Contains(need);
        if (optimization is T == asked) return optimization as T;
        throw new FaultException(new Fault.Composition(
            FaultCodes.RequirementNotMet,
            asked ? $"the optimizer '{optimizer.Name}' requires '{need}', but what it begins is no {typeof(T).Name}" : $"the optimizer '{optimizer.Name}' begins an {typeof(T).Name} without requiring '{need}'",
            optimizer.Place));
    }
}

/// <summary>
/// Has a step made at other weights or on other samples, for optimizers that require it. Masters and gradients are afterwards what they were, to the bit.
/// </summary>
/// <param name="needs">What the optimizer may ask for.</param>
/// <param name="all">Everything that a step has gradients of.</param>
/// <param name="ranks">Means over the processes.</param>
/// <param name="refresh">Takes changed masters over into the network.</param>
/// <param name="accumulate">Makes a step of this number on this draw, and adds its gradient up.</param>
internal sealed class StepsAgain(OptimizerNeeds needs, ParameterSet all, RankMeans ranks, Action refresh, Action<int, int, StepTally> accumulate)
{
    /// <summary>What an optimizer is given for an update.</summary>
    /// <param name="update">The update of the run.</param>
    /// <param name="step">The step of the run.</param>
    /// <param name="loss">The loss of the update.</param>
    /// <param name="parameters">The parameters that it updates.</param>
    public UpdateContext Context(int update, int step, double loss, ParameterSet parameters)
    {
        if (!needs.OneUpdate) return new UpdateContext(update) { Loss = loss };
        return new UpdateContext(update) { Loss = loss, Again = (values, draw) => Again(step, draw, values, parameters) };
    }

    /// <summary>Puts the parameters where the next step is made; null leaves them where they are.</summary>
    /// <param name="optimizations">Each with what it updates, all of the step's parameters together.</param>
    public MovedWeights? Probe(IReadOnlyList<(IOptimization Optimization, ParameterSet Parameters)> optimizations)
    {
        using var scope = NewDisposeScope();
        var probes = optimizations.Select(each => (needs.Probing(each.Optimization)?.Probe(), each.Parameters)).ToList();
        if (probes.TrueForAll(static probe => probe.Item1 is null)) return null;
        return new MovedWeights(all, [.. probes.SelectMany(static probe => probe.Item1 ?? probe.Parameters.Select(static parameter => parameter.Value))], refresh);
    }

    private StepGradient Again(int step, int draw, IReadOnlyList<Tensor>? values, ParameterSet parameters)
    {
        if (!needs.Again(draw)) throw new InvalidOperationException($"a step is asked for again only by an optimizer that requires '{(draw > 0 ? Capabilities.SecondDraw : Capabilities.Replay)}'");
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        using var aside = new GradientsAside(all);
        using var moved = values is null ? null : new MovedWeights(parameters, values, refresh);
        var tally = new StepTally();
        accumulate(step, draw, tally);
        ranks.Gradients(all);
        return new StepGradient(ranks.Of(tally.PendingLoss), [.. parameters.Select(static parameter => parameter.Value.grad?.MoveToOuterDisposeScope())]);
    }
}

/// <summary>Parameters with other values until it is disposed; then they have their own again, to the bit.</summary>
internal sealed class MovedWeights : IDisposable
{
    private readonly ParameterSet _parameters;
    private readonly Action _refresh;
    private Tensor[] _own;

    public MovedWeights(ParameterSet parameters, IReadOnlyList<Tensor> values, Action refresh)
    {
        (_parameters, _refresh) = (parameters, refresh);
        if (values.Count != parameters.Count) throw new ArgumentException($"{values.Count} values were given for {parameters.Count} parameters", nameof(values));
        using var _ = no_grad();
        // Everything is copied before anything changes: the values may be made of the parameters.
        _own = [.. parameters.Select(static parameter => parameter.Value.detach().clone().DetachFromDisposeScope())];
        Put(values);
    }

    public void Dispose()
    {
        if (_own.Length == 0) return;
        using var _ = no_grad();
        Put(_own);
        foreach (var tensor in _own) tensor.Dispose();
        _own = [];
    }

    private void Put(IReadOnlyList<Tensor> values)
    {
        for (var i = 0; i < values.Count; i++) _parameters[i].Value.copy_(values[i]);
        _refresh();
    }
}

/// <summary>Parameters without the gradients that they have until it is disposed; then they have them again.</summary>
internal sealed class GradientsAside : IDisposable
{
    private readonly List<(Parameter Parameter, Tensor? Gradient)> _kept;

    public GradientsAside(ParameterSet parameters)
    {
        _kept = [.. parameters.Select(static parameter => (parameter, parameter.Value.grad?.DetachFromDisposeScope()))];
        foreach (var (parameter, _) in _kept) parameter.Value.grad = null;
    }

    /// <summary>What was put aside, in order.</summary>
    public IReadOnlyList<Tensor?> Gradients => [.. _kept.Select(static kept => kept.Gradient)];

    /// <summary>Gives a parameter another gradient at the end than it had.</summary>
    public void Put(Parameter parameter, Tensor gradient)
    {
        var place = _kept.FindIndex(kept => kept.Parameter == parameter);
        _kept[place].Gradient?.Dispose();
        _kept[place] = (parameter, gradient.DetachFromDisposeScope());
    }

    public void Dispose()
    {
        foreach (var (parameter, gradient) in _kept)
        {
            parameter.Value.grad = gradient;
            gradient?.Dispose();
        }
        _kept.Clear();
    }
}
