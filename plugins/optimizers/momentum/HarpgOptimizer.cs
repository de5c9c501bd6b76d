using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>
/// HARPG and N-HARPG (Fatkhullin, Barakat, Kireeva and He 2023, arXiv 2302.01734): a moving average of gradients that is carried along with the weights, <c>d ← (1 − η)(d + B u) + η g</c>, u being the last step and B the
/// Hessian of an independent draw somewhere on it. On a quadratic the average is the gradient, whatever the shares were.
/// </summary>
/// <remarks>B u is a difference of two gradients (<see cref="UpdateContext.HessianVector"/>): recomputed blocks and fused attention have no double backward.</remarks>
/// <param name="settings">Length, share and schedule.</param>
public sealed class HarpgOptimizer(HarpgSettings settings) : IOptimizer
{
    /// <inheritdoc/>
    /// <remarks>A Hessian times a vector from the second update on, unless the weights did not move.</remarks>
    public StepPasses Passes(ParameterSet parameters) => new(3) { Fewest = 1 };

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(rate is { } given ? settings with { Gamma = given } : settings, parameters);
    }

    private sealed class Optimization(HarpgSettings settings, ParameterSet parameters) : IOptimization, IStateful
    {
        private readonly KeptRows _kept = new(parameters, ("before", KeptRows.AsNow), ("direction", KeptRows.Zeros));

        public int StateVersion => 1;

        // t.
        private int Updates => _kept.Updates;

        // θ_{t−1}.
        private IReadOnlyList<Tensor> Before => _kept[0];

        // d.
        private IReadOnlyList<Tensor> Direction => _kept[1];

        // 2 / (t + 2).
        private double Fall => settings.Schedule == IgtSchedule.Constant ? 1 : 2.0 / (Updates + 2);

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var (eta, gamma) = (settings.Eta * Fall, settings.Gamma * (settings.Normalized ? Fall : Math.Sqrt(Fall)));
            var carried = Updates == 0 ? null : Carried(context);
            double squares = 0, carry = 0;
            foreach (var (place, parameter) in parameters.Index())
            {
                var direction = Direction[place];
                if (carried is not null)
                {
                    direction.add_(carried[place]);
                    carry += Square(carried[place]);
                }
                if (parameter.Value.grad is { } gradient)
                {
                    if (Updates == 0) direction.copy_(gradient);
                    else direction.lerp_(gradient, eta);
                }
                squares += Square(direction);
            }
            var length = Math.Sqrt(squares);
            foreach (var ((parameter, direction), before) in parameters.Zip(Direction).Zip(Before))
            {
                before.copy_(parameter.Value);
                if (parameter.Value.grad is not null && length > 0) parameter.Value.add_(direction, -gamma / (settings.Normalized ? length : 1));
            }
            context.Measure("eta", eta);
            context.Measure("direction", length);
            context.Measure("carried", Math.Sqrt(carry));
            _kept.Updates++;
            return gamma;
        }

        public PartState Save() => _kept.Save(StateVersion);

        public Result<Unit> Load(PartState state) => _kept.Load(state);

        public void Dispose() => _kept.Dispose();

        // B u at q θ_t + (1 − q) θ_{t−1}.
        private IReadOnlyList<Tensor> Carried(UpdateContext context)
        {
            var q = settings.At == HessianPlace.Middle ? 0.5 : RandomKey.OfRun(settings.Seed).For("harpg", Updates).Open().NextDouble();
            Tensor[] moved = [.. parameters.Zip(Before, static (parameter, before) => parameter.Value.detach() - before)];
            return context.HessianVector([.. Before.Zip(moved, (before, step) => before + (step * q))], moved, draw: 1, settings.Reach);
        }

        private static double Square(Tensor tensor) => tensor.to(ScalarType.Float64).square().sum().item<double>();
    }
}
