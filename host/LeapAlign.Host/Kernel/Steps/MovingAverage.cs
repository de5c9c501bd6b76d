using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Kernel.State;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary><c>θ̄ ← d θ̄ + (1 − d) θ</c> over the trained weights, in fp32. Evaluation and export use it.</summary>
internal sealed class MovingAverage : IDisposable
{
    private readonly IReadOnlyList<NamedTensor> _parameters;
    private readonly double _decay;
    private readonly Tensor[] _average;

    public MovingAverage(IReadOnlyList<NamedTensor> parameters, double decay)
    {
        _parameters = parameters;
        _decay = decay;
        _average = [.. parameters.Select(static parameter => parameter.Value.detach().clone().DetachFromDisposeScope())];
    }

    /// <summary>One tensor for each trained weight, in order.</summary>
    public IReadOnlyList<Tensor> Weights => _average;

    /// <summary>The average as a state.</summary>
    public IStateful State => new WeightsState([.. _average.Select((weight, i) => new NamedTensor(_parameters[i].Name, weight))]);

    /// <summary>Takes the weights after an optimizer step.</summary>
    public void Update()
    {
        using var _ = no_grad();
        using TorchSharp.Scalar kept = _decay, taken = 1 - _decay;
        for (var i = 0; i < _average.Length; i++) _average[i].mul_(kept).add_(_parameters[i].Value, taken);
    }

    public void Dispose()
    {
        foreach (var tensor in _average) tensor.Dispose();
    }
}
