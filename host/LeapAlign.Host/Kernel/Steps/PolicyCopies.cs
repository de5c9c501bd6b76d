using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>The lagged copies of the policy that an algorithm asked for, and the reference where the run keeps one: each held once, as precise as its decays need (<see cref="LaggedWeights"/>).</summary>
internal sealed class PolicyCopies : IDisposable
{
    private readonly IModel _model;
    private readonly Dictionary<string, (PolicyCopy Copy, Tensor[] Weights)> _copies = new(StringComparer.Ordinal);

    /// <summary>Copies the weights as they are now.</summary>
    /// <param name="model">Whose weights.</param>
    /// <param name="copies">What the algorithm asked for.</param>
    /// <param name="reference">Whether the policy that training starts from is kept.</param>
    /// <param name="steps">The steps of the run.</param>
    public PolicyCopies(IModel model, IEnumerable<PolicyCopy> copies, bool reference, int steps)
    {
        _model = model;
        var all = reference ? copies.Append(new PolicyCopy(PolicyCopy.Reference, static _ => 1)) : copies;
        foreach (var copy in all)
        {
            var type = LaggedWeights.TypeFor(Enumerable.Range(0, steps).Select(copy.Decay));
            Tensor[] weights = [.. model.Parameters.Select(parameter => LaggedWeights.Begin(parameter.Value, type))];
            if (!_copies.TryAdd(copy.Name, (copy, weights))) throw new ArgumentException($"two policies are called '{copy.Name}'", nameof(copies));
        }
    }

    /// <summary>Evaluates the network with a copy until the returned object is disposed.</summary>
    /// <exception cref="FaultException">The run has no such copy.</exception>
    public IDisposable Use(string name)
    {
        if (_copies.TryGetValue(name, out var copy)) return _model.Use(copy.Weights);
        throw new FaultException(new Fault.Composition(
            FaultCodes.RequirementNotMet, $"the algorithm uses the policy '{name}', but this run keeps {(_copies.Count == 0 ? "no copy of the policy" : string.Join(", ", _copies.Keys))}"));
    }

    /// <summary><c>θ_copy ← d θ_copy + (1 − d) θ</c> after a step.</summary>
    /// <param name="step">Its number, from 0.</param>
    public void Update(int step)
    {
        using var _ = no_grad();
        foreach (var (copy, weights) in _copies.Values)
        {
            var decay = copy.Decay(step);
            if (decay >= 1) continue;
            for (var i = 0; i < weights.Length; i++) Move(weights[i], _model.Parameters[i].Value, decay);
        }
    }

    /// <summary>The copies as states, by name.</summary>
    public IEnumerable<(string Name, IStateful State)> States => _copies.Values.Select(copy => (
        copy.Copy.Name, (IStateful)new WeightsState([.. copy.Weights.Select((weight, i) => new NamedTensor(_model.Parameters[i].Name, weight))])));

    public void Dispose()
    {
        foreach (var (_, weights) in _copies.Values)
        {
            foreach (var tensor in weights) tensor.Dispose();
        }
        _copies.Clear();
    }

    private static void Move(Tensor copy, Tensor policy, double decay)
    {
        // A copy is a copy to the bit, which 0 · copy + 1 · policy would not be where the copy is not finite.
        if (decay <= 0)
        {
            copy.copy_(policy);
            return;
        }
        LaggedWeights.Move(copy, policy, decay);
    }
}
