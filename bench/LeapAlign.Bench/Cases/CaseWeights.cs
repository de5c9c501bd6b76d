using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Weights that a case trains.</summary>
internal sealed class CaseWeights : IDisposable
{
    private readonly ParameterSet _set;
    private readonly IOptimization _optimization;
    private int _updates;

    /// <summary>Begins.</summary>
    /// <param name="optimizer">Trains them.</param>
    /// <param name="values">Where they begin.</param>
    public CaseWeights(IOptimizer optimizer, params IReadOnlyList<Tensor> values)
    {
        Values = [.. values.Select(static value => value.detach().clone().requires_grad_().DetachFromDisposeScope())];
        _set = new ParameterSet(Values.Select(static (value, place) => new Parameter($"w{place}", ParameterRole.Matrix, value)));
        _optimization = optimizer.Begin(_set);
    }

    /// <summary>The weights.</summary>
    public IReadOnlyList<Tensor> Values { get; }

    /// <summary>The optimization.</summary>
    public IOptimization Optimization => _optimization;

    /// <summary>An update with the gradients that the weights have; where rates fall, by a share of its step.</summary>
    /// <param name="share">The share.</param>
    /// <param name="context">The update; null for one with a gradient alone.</param>
    public void Update(double share = 1, UpdateContext? context = null)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Tensor[] before = [.. share == 1 ? [] : Values.Select(static value => value.detach().clone())];
        _optimization.Update(context ?? new UpdateContext(_updates));
        foreach (var (value, old) in Values.Zip(before)) value.lerp_(old, 1 - share);
        _set.ClearGradients();
        _updates++;
    }

    /// <summary>Gives gradients.</summary>
    public void Gradients(params IReadOnlyList<Tensor> gradients)
    {
        foreach (var (value, gradient) in Values.Zip(gradients)) value.grad = gradient.DetachFromDisposeScope();
    }

    public void Dispose()
    {
        _optimization.Dispose();
        foreach (var value in Values) value.Dispose();
    }
}
