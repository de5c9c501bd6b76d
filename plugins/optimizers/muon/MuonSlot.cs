using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Muon;

/// <summary>A matrix and the moving average of its gradient.</summary>
/// <param name="parameter">The matrix.</param>
/// <param name="settings">Momentum, form and decay.</param>
internal sealed class MuonSlot(Parameter parameter, MuonSettings settings) : IDisposable
{
    private readonly double _decay = settings.Decay.Of(parameter);
    private readonly double _scale = Scale(settings.Scale, parameter.Value.shape[0], parameter.Value.shape[1]);
    private readonly ScalarType _type = settings.Precision == IterationPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;

    public string Name => parameter.Name;

    /// <summary>The moving average.</summary>
    public Tensor Momentum { get; } = zeros_like(parameter.Value).detach().DetachFromDisposeScope();

    /// <summary><c>W ← (1 − rate · decay) W − rate · scale · O</c>; nothing where there is no gradient.</summary>
    public void Update(double rate)
    {
        using var scope = NewDisposeScope();
        if (parameter.Value.grad is not { } gradient) return;
        Momentum.lerp_(gradient, 1 - settings.Momentum);
        var direction = NewtonSchulz.Orthogonal(settings.Nesterov ? gradient.lerp(Momentum, settings.Momentum) : Momentum, settings.Steps, _type);
        parameter.Value.mul_(1 - (rate * _decay));
        parameter.Value.add_(direction.to(parameter.Value.dtype), alpha: -rate * _scale);
    }

    public void Dispose() => Momentum.Dispose();

    private static double Scale(ShapeScale scale, double rows, double columns) =>
        scale == ShapeScale.MatchRms ? 0.2 * Math.Sqrt(Math.Max(rows, columns)) : Math.Sqrt(Math.Max(1, rows / columns));
}
