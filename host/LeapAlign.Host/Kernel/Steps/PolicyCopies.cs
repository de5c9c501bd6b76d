using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>The lagged copies of the policy that an algorithm asked for, and the reference where the run keeps one: each held once, as precise as its decays need (<see cref="LaggedWeights"/>).</summary>
internal sealed class PolicyCopies : IDisposable
{
    private readonly ITrainable _trained;
    private readonly bool _hasReference;
    private readonly Dictionary<string, (PolicyCopy Copy, Policy Policy)> _copies = new(StringComparer.Ordinal);

    /// <summary>Copies the weights as they are now. The reference is no copy where an adapter can be switched off.</summary>
    /// <param name="trained">What is trained.</param>
    /// <param name="copies">What the algorithm asked for.</param>
    /// <param name="reference">Whether the policy that training starts from is kept.</param>
    /// <param name="steps">The steps of the run.</param>
    public PolicyCopies(ITrainable trained, IEnumerable<PolicyCopy> copies, bool reference, int steps)
    {
        (_trained, _hasReference) = (trained, reference);
        var all = reference && !CanSwitchOff(trained) ? copies.Append(new PolicyCopy(PolicyCopy.Reference, static _ => 1)) : copies;
        foreach (var copy in all)
        {
            var type = LaggedWeights.TypeFor(Enumerable.Range(0, steps).Select(copy.Decay));
            var policy = new Policy(copy.Name, [.. trained.Parameters.Select(parameter => LaggedWeights.Begin(parameter.Value, type))]);
            if (!_copies.TryAdd(copy.Name, (copy, policy))) throw new ArgumentException($"two policies are called '{copy.Name}'", nameof(copies));
        }
    }

    /// <summary>Evaluates the network with a copy until the returned object is disposed.</summary>
    /// <exception cref="FaultException">The run has no such copy.</exception>
    public IDisposable Use(string name)
    {
        if (_copies.TryGetValue(name, out var copy)) return _trained.Use(copy.Policy);
        if (_hasReference && name == PolicyCopy.Reference && _trained.UseReference() is { } reference) return reference;
        throw new FaultException(new Fault.Composition(
            FaultCodes.RequirementNotMet, $"the algorithm uses the policy '{name}', but this run keeps {(_copies.Count == 0 ? "no copy of the policy" : string.Join(", ", _copies.Keys))}"));
    }

    /// <summary><c>θ_copy ← d θ_copy + (1 − d) θ</c> after a step.</summary>
    /// <param name="step">Its number, from 0.</param>
    public void Update(int step)
    {
        using var _ = no_grad();
        foreach (var (copy, policy) in _copies.Values)
        {
            var decay = copy.Decay(step);
            if (decay >= 1) continue;
            for (var i = 0; i < policy.Values.Count; i++) Move(policy.Values[i], _trained.Parameters[i].Value, decay);
            policy.Moved();
        }
    }

    /// <summary>The copies as states, by name.</summary>
    public IEnumerable<(string Name, IStateful State)> States => _copies.Values.Select(copy => (
        copy.Copy.Name, (IStateful)new WeightsState([.. copy.Policy.Values.Select((weight, i) => new NamedTensor(_trained.Parameters[i].Name, weight))], copy.Policy.Moved)));

    public void Dispose()
    {
        foreach (var (_, policy) in _copies.Values)
        {
            policy.Dispose();
            foreach (var tensor in policy.Values) tensor.Dispose();
        }
        _copies.Clear();
    }

    private static bool CanSwitchOff(ITrainable trained)
    {
        using var off = trained.UseReference();
        return off is not null;
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
