using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
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
        private readonly Tensor[] _before = [.. parameters.Select(static parameter => parameter.Value.detach().clone().DetachFromDisposeScope())];
        private readonly Tensor[] _direction = [.. parameters.Select(static parameter => zeros_like(parameter.Value).detach().DetachFromDisposeScope())];

        // t.
        private int _updates;

        public int StateVersion => 1;

        private double Eta => settings.Schedule == IgtSchedule.Constant ? settings.Eta : settings.Eta * Math.Pow(2.0 / (_updates + 2), 0.8);

        private double Gamma => settings.Schedule == IgtSchedule.Constant ? settings.Gamma : settings.Gamma * 2 / (_updates + 2);

        public IReadOnlyList<Tensor>? Probe()
        {
            // No step was made before the first.
            if (_updates == 0) return null;
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            // The share of this update, here and in the average: with another one the lag would not cancel.
            var ahead = (1 - Eta) / Eta;
            return [.. parameters.Zip(_before, (parameter, before) => (parameter.Value.detach() + ((parameter.Value.detach() - before) * ahead)).MoveToOuterDisposeScope())];
        }

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var (eta, gamma) = (Eta, Gamma);
            double squares = 0;
            foreach (var (parameter, direction) in parameters.Zip(_direction))
            {
                if (parameter.Value.grad is not { } gradient) continue;
                if (_updates == 0) direction.copy_(gradient);
                else direction.lerp_(gradient, eta);
                squares += direction.to(ScalarType.Float64).square().sum().item<double>();
            }
            var length = Math.Sqrt(squares);
            foreach (var ((parameter, direction), before) in parameters.Zip(_direction).Zip(_before))
            {
                before.copy_(parameter.Value);
                if (parameter.Value.grad is not null && length > 0) parameter.Value.add_(direction, -gamma / length);
            }
            context.Measure("eta", eta);
            context.Measure("direction", length);
            context.Measure("ahead", _updates == 0 ? 0 : (1 - eta) / eta);
            _updates++;
            return gamma;
        }

        public PartState Save() => new(
            StateVersion,
            [.. parameters.Zip(_before, static (parameter, before) => new NamedTensor(Before(parameter), before)), .. parameters.Zip(_direction, static (parameter, direction) => new NamedTensor(Direction(parameter), direction))],
            new Dictionary<string, double> { ["updates"] = _updates });

        public Result<Unit> Load(PartState state) =>
            from before in parameters.Zip(_before, (parameter, before) => state.CopyTo(Before(parameter), before)).All()
            from directions in parameters.Zip(_direction, (parameter, direction) => state.CopyTo(Direction(parameter), direction)).All()
            from updates in state.Number("updates")
            select Resumed((int)updates);

        public void Dispose()
        {
            foreach (var tensor in _before.Concat(_direction)) tensor.Dispose();
        }

        private Unit Resumed(int updates)
        {
            _updates = updates;
            return Unit.Value;
        }

        private static string Before(Parameter parameter) => $"before.{parameter.Name}";

        private static string Direction(Parameter parameter) => $"direction.{parameter.Name}";
    }
}
