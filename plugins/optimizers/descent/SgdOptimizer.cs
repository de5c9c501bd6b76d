using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Descent;

/// <summary>Gradient descent, <c>θ ← θ − rate · g</c>, and nothing else: no momentum, no decay. What is derived for steps along the gradient holds for it.</summary>
/// <param name="settings">The rate.</param>
public sealed class SgdOptimizer(SgdSettings settings) : IOptimizer
{
    /// <inheritdoc/>
    public bool IsSeparable => true;

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(rate is { } given ? settings with { Rate = given } : settings, parameters);
    }

    private sealed class Optimization(SgdSettings settings, ParameterSet parameters) : IOptimization
    {
        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var rate = WarmUp.Rate(settings.Rate, settings.Warmup, context.Index);
            foreach (var parameter in parameters)
            {
                if (parameter.Value.grad is { } gradient) parameter.Value.add_(gradient, -rate);
            }
            return rate;
        }

        public void Dispose()
        {
        }
    }
}
