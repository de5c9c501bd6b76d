using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>
/// N-PG-IGT (Fatkhullin, Barakat, Kireeva and He 2023, arXiv 2302.01734): steps of a length that is set, along a moving average of gradients. Each gradient is taken ahead of
/// the weights, at <c>θ_t + (1 − η_t)/η_t (θ_t − θ_{t−1})</c>, which takes the lag out of the average: on a quadratic it is the gradient at θ_t, whatever the shares were.
/// </summary>
/// <param name="settings">Length, share and schedule.</param>
public sealed class NpgIgtOptimizer(NpgIgtSettings settings) : IOptimizer
{
    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(rate is { } given ? settings with { Gamma = given } : settings, parameters);
    }

    private sealed class Optimization(NpgIgtSettings settings, ParameterSet parameters) : IProbingOptimization, IStateful
    {
        private readonly KeptRows _kept = new(parameters, ("before", KeptRows.AsNow), ("direction", KeptRows.Zeros));

        public int StateVersion => 1;

        // t.
        private int Updates => _kept.Updates;

        // θ_{t−1}.
        private IReadOnlyList<Tensor> Before => _kept[0];

        // d.
        private IReadOnlyList<Tensor> Direction => _kept[1];

        private double Eta => settings.Schedule == IgtSchedule.Constant ? settings.Eta : settings.Eta * Math.Pow(2.0 / (Updates + 2), 0.8);

        private double Gamma => settings.Schedule == IgtSchedule.Constant ? settings.Gamma : settings.Gamma * 2 / (Updates + 2);

        public IReadOnlyList<Tensor>? Probe()
        {
            // No step was made before the first.
            if (Updates == 0) return null;
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            // The share of this update, here and in the average: with another one the lag would not cancel.
            var ahead = (1 - Eta) / Eta;
            return [.. parameters.Zip(Before, (parameter, before) => (parameter.Value.detach() + ((parameter.Value.detach() - before) * ahead)).MoveToOuterDisposeScope())];
        }

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var (eta, gamma) = (Eta, Gamma);
            double squares = 0;
            foreach (var (parameter, direction) in parameters.Zip(Direction))
            {
                if (parameter.Value.grad is not { } gradient) continue;
                if (Updates == 0) direction.copy_(gradient);
                else direction.lerp_(gradient, eta);
                squares += direction.to(ScalarType.Float64).square().sum().item<double>();
            }
            var length = Math.Sqrt(squares);
            foreach (var ((parameter, direction), before) in parameters.Zip(Direction).Zip(Before))
            {
                before.copy_(parameter.Value);
                if (parameter.Value.grad is not null && length > 0) parameter.Value.add_(direction, -gamma / length);
            }
            context.Measure("eta", eta);
            context.Measure("direction", length);
            context.Measure("ahead", Updates == 0 ? 0 : (1 - eta) / eta);
            _kept.Updates++;
            return gamma;
        }

        public PartState Save() => _kept.Save(StateVersion);

        public Result<Unit> Load(PartState state) => _kept.Load(state);

        public void Dispose() => _kept.Dispose();
    }
}
