using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>A tensor, the momentum of its gradient, and how noisy that is.</summary>
/// <param name="parameter">The parameter.</param>
/// <param name="norm">What its updates are measured in.</param>
/// <param name="group">The group that its rate is compared in.</param>
/// <param name="settings">Decays, and what gradients are compared with.</param>
internal sealed class LantonSlot(Parameter parameter, LayerNorm norm, string group, LantonSettings settings) : IDisposable
{
    private readonly Tensor _momentum = zeros_like(parameter.Value).detach().DetachFromDisposeScope();

    // The gradient of the update before; null where gradients are compared with others.
    private readonly Tensor? _previous = settings.Noise == NoiseOf.Previous ? zeros_like(parameter.Value).detach().DetachFromDisposeScope() : null;

    /// <summary>The group that its rate is compared in.</summary>
    public string Group => group;

    /// <summary>Updates that it had a gradient in.</summary>
    public int Updates { get; private set; }

    /// <summary>H: the moving average of the squared noise, in the dual norm.</summary>
    public double Noise { get; private set; }

    /// <summary>Whether it has a gradient.</summary>
    public bool Moves => parameter.Value.grad is not null;

    /// <summary>What it keeps, for states.</summary>
    public IEnumerable<NamedTensor> Tensors =>
        _previous is null ? [new(Momentum, _momentum)] : [new(Momentum, _momentum), new(Previous, _previous)];

    /// <summary>Its counts, for states.</summary>
    public IEnumerable<KeyValuePair<string, double>> Numbers => [KeyValuePair.Create(NoiseName, Noise), KeyValuePair.Create(Count, (double)Updates)];

    private string Momentum => $"momentum.{parameter.Name}";

    private string Previous => $"previous.{parameter.Name}";

    private string NoiseName => $"noise.{parameter.Name}";

    private string Count => $"updates.{parameter.Name}";

    /// <summary>Takes a gradient in.</summary>
    /// <param name="second">The gradient of other samples at the same weights; null where there is none.</param>
    public void Take(Tensor? second)
    {
        using var scope = NewDisposeScope();
        var gradient = parameter.Value.grad!;
        _momentum.lerp_(gradient, 1 - settings.Beta1);
        // The first gradient has none before it.
        var other = _previous is null ? second : Updates > 0 ? _previous : null;
        if (other is not null)
        {
            var noise = norm.Dual(gradient - other);
            Noise = (settings.Beta2 * Noise) + ((1 - settings.Beta2) * noise * noise);
        }
        _previous?.copy_(gradient);
        Updates++;
    }

    /// <summary>Moves the tensor.</summary>
    /// <param name="rate">Its own rate.</param>
    public void Move(double rate)
    {
        using var scope = NewDisposeScope();
        parameter.Value.add_(norm.Direction(_momentum), rate);
    }

    /// <summary>Takes a state over.</summary>
    public Result<Unit> Load(PartState state) =>
        from momentum in state.CopyTo(Momentum, _momentum)
        from previous in _previous is null ? Unit.Value : state.CopyTo(Previous, _previous)
        from noise in state.Number(NoiseName)
        from updates in state.Number(Count)
        select Resumed(noise, (int)updates);

    public void Dispose()
    {
        _momentum.Dispose();
        _previous?.Dispose();
    }

    private Unit Resumed(double noise, int updates)
    {
        (Noise, Updates) = (noise, updates);
        return Unit.Value;
    }
}
