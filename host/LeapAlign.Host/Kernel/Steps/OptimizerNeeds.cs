using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What an optimizer asks for beside the accumulated gradient.</summary>
/// <param name="optimizer">The optimizer of the plan.</param>
internal sealed class OptimizerNeeds(PartPlan optimizer)
{
    private static readonly string[] s_ofOneUpdate = [.. Capabilities.OfRepeatableSteps, Capabilities.RewardWeights];

    private readonly HashSet<string> _needs = optimizer.Definition.Requires(optimizer.Settings).ToHashSet(StringComparer.Ordinal);

    private readonly bool _curves = optimizer.Definition.Provides(optimizer.Settings).Contains(Capabilities.InverseCurvature, StringComparer.Ordinal);

    /// <summary>The optimization as one that divides by a curvature; null where it does not, or keeps the state of some parameters alone.</summary>
    public static ICurvatureOptimization? Curvature(IOptimization optimization) => optimization as ICurvatureOptimization;

    /// <summary>Whether a step may be asked for again on these samples.</summary>
    public bool Again(int draw) => draw > 0 ? _needs.Contains(Capabilities.SecondDraw) : _needs.Contains(Capabilities.Replay) || _needs.Contains(Capabilities.HessianVector);

    /// <summary>Whether a step may have one update alone.</summary>
    public bool OneUpdate => s_ofOneUpdate.Any(_needs.Contains);

    /// <summary>Refuses an update of a step after the first, where the algorithm offered what does not allow it.</summary>
    /// <param name="update">Its number in the step, from 0.</param>
    public void Allow(int update)
    {
        if (update == 0 || !OneUpdate) return;
        var needs = string.Join(", ", s_ofOneUpdate.Where(_needs.Contains).Select(static need => $"'{need}'"));
        throw new FaultException(new Fault.Composition(
            FaultCodes.RequirementNotMet, $"the optimizer '{optimizer.Name}' requires {needs}, which the algorithm provides, but it makes several updates in a step", optimizer.Place));
    }

    /// <summary>Refuses an optimization that can take something else than its optimizer requires, or give something else than it provides.</summary>
    public void Check(IOptimization optimization)
    {
        _ = (Rows(optimization), Probing(optimization), Weighing(optimization));
        var curved = Curvature((optimization as ShardedOptimization)?.Own ?? optimization) is not null;
        if (curved == _curves) return;
        throw new FaultException(new Fault.Composition(
            FaultCodes.RequirementNotMet,
            curved
                ? $"the optimizer '{optimizer.Name}' begins an {nameof(ICurvatureOptimization)} without providing '{Capabilities.InverseCurvature}'"
                : $"the optimizer '{optimizer.Name}' provides '{Capabilities.InverseCurvature}', but what it begins is no {nameof(ICurvatureOptimization)}",
            optimizer.Place));
    }

    /// <summary>The optimization as one that takes rows; null where it does not.</summary>
    public IRowOptimization? Rows(IOptimization optimization) => As<IRowOptimization>(optimization, Capabilities.Rows);

    /// <summary>The optimization as one that has steps made elsewhere; null where it does not.</summary>
    public IProbingOptimization? Probing(IOptimization optimization) => As<IProbingOptimization>(optimization, Capabilities.Probe);

    /// <summary>The optimization as one that chooses the weights of rewards; null where it does not.</summary>
    public IWeighingOptimization? Weighing(IOptimization optimization) => As<IWeighingOptimization>(optimization, Capabilities.RewardWeights);

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

/// <summary>Parameters with other values until it is disposed; then they have their own again, to the bit.</summary>
internal sealed class MovedWeights : IDisposable
{
    private readonly Action _refresh;
    private KeptWeights? _own;

    public MovedWeights(ParameterSet parameters, IReadOnlyList<Tensor> values, Action refresh)
    {
        _refresh = refresh;
        if (values.Count != parameters.Count) throw new ArgumentException($"{values.Count} values were given for {parameters.Count} parameters", nameof(values));
        // Everything is copied before anything changes: the values may be made of the parameters.
        _own = KeptWeights.Of(parameters);
        KeptWeights.Put(parameters, values);
        _refresh();
    }

    public void Dispose()
    {
        if (_own is null) return;
        _own.Restore();
        _refresh();
        _own.Dispose();
        _own = null;
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
