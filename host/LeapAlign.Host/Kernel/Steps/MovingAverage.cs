using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.State;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// <c>θ̄ ← d θ̄ + (1 − d) θ</c> over the trained weights, as precise as the decay needs (<see cref="LaggedWeights"/>). Evaluation and export use it.
/// </summary>
internal sealed class MovingAverage : IDisposable
{
    private readonly ParameterSet _parameters;
    private readonly double _decay;
    private readonly bool _warmUp;
    private readonly Tensor[] _average;

    /// <summary>Begins with the weights as they are now.</summary>
    /// <param name="parameters">The trained weights.</param>
    /// <param name="decay">d.</param>
    /// <param name="warmUp">Whether d is at most (1 + n) / (10 + n) after n updates, so that the weights that training began with are forgotten soon.</param>
    public MovingAverage(ParameterSet parameters, double decay, bool warmUp = false)
    {
        (_parameters, _decay, _warmUp) = (parameters, decay, warmUp);
        var type = LaggedWeights.TypeFor([decay]);
        _average = [.. parameters.Select(parameter => LaggedWeights.Begin(parameter.Value, type))];
        Policy = new Policy("average", _average);
    }

    /// <summary>The average as a policy.</summary>
    public Policy Policy { get; }

    /// <summary>The average as a state.</summary>
    public IStateful State => new WeightsState([.. _average.Select((weight, i) => new NamedTensor(_parameters[i].Name, weight))], Policy.Moved);

    /// <summary>Takes the weights after an optimizer step.</summary>
    /// <param name="updates">n, the updates before it.</param>
    public void Update(int updates)
    {
        using var _ = no_grad();
        var decay = _warmUp ? Math.Min(_decay, (1.0 + updates) / (10.0 + updates)) : _decay;
        for (var i = 0; i < _average.Length; i++) LaggedWeights.Move(_average[i], _parameters[i].Value, decay);
        Policy.Moved();
    }

    public void Dispose()
    {
        Policy.Dispose();
        foreach (var tensor in _average) tensor.Dispose();
    }
}
