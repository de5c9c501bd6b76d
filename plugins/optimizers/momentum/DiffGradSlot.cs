using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>A parameter, the moments of its gradient, and the gradient of the update before.</summary>
/// <param name="parameter">The parameter.</param>
/// <param name="settings">Decays and form.</param>
internal sealed class DiffGradSlot(Parameter parameter, DiffGradSettings settings) : IDisposable
{
    private readonly double _decay = settings.Decay.Of(parameter);

    /// <summary>The name of the parameter.</summary>
    public string Name => parameter.Name;

    /// <summary>Moving average of the gradient.</summary>
    public Tensor First { get; } = zeros_like(parameter.Value).detach().DetachFromDisposeScope();

    /// <summary>Moving average of the squared gradient.</summary>
    public Tensor Second { get; } = zeros_like(parameter.Value).detach().DetachFromDisposeScope();

    /// <summary>The gradient of the update before, a copy: the gradient's own memory holds the next one by then.</summary>
    public Tensor Previous { get; } = zeros_like(parameter.Value).detach().DetachFromDisposeScope();

    /// <summary>Updates so far.</summary>
    public int Updates { get; set; }

    /// <summary>Whether it has a gradient.</summary>
    public bool Moves => parameter.Value.grad is not null;

    /// <summary><c>θ ← θ − rate · √(1 − β2ᵗ) / (1 − β1ᵗ) · ξ m / (√v + ε)</c> with the friction <c>ξ = 1 / (1 + e^(−|p − g|))</c>.</summary>
    /// <returns>Sum, least and largest of ξ, [3], fp64, in the scope of the caller.</returns>
    public Tensor Update(double rate)
    {
        using var scope = NewDisposeScope();
        var gradient = parameter.Value.grad!;
        if (_decay > 0) gradient = gradient + (parameter.Value.detach() * _decay);
        Updates++;
        First.lerp_(gradient, 1 - settings.Beta1);
        Second.mul_(settings.Beta2).addcmul_(gradient, gradient, 1 - settings.Beta2);
        var (bias1, bias2) = (1 - Math.Pow(settings.Beta1, Updates), 1 - Math.Pow(settings.Beta2, Updates));
        var root = Second.sqrt();
        var change = (Previous - gradient).abs();
        if (settings.Relative) change = change / ((root / Math.Sqrt(bias2)) + settings.Epsilon);
        var friction = change.sigmoid();
        parameter.Value.addcdiv_(friction * First, root + settings.Epsilon, -rate * Math.Sqrt(bias2) / bias1);
        Previous.copy_(gradient);
        var seen = friction.to(ScalarType.Float64);
        return stack([seen.sum(), seen.min(), seen.max()]).MoveToOuterDisposeScope();
    }

    /// <summary>How many weights it has.</summary>
    public long Count => parameter.Value.numel();

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
        Previous.Dispose();
    }
}
