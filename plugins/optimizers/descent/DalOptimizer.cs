using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Descent;

/// <summary>
/// The drift-adjusted learning rate of Rosca, Wu, Qin and Dherin (2023, arXiv 2302.01952): a step of length h along the gradient is off the gradient's flow by (h²/2) H g, so that the rate is
/// <c>min(2 / ρ^p, largest)</c> with <c>ρ = ‖H g‖ / ‖g‖</c>. H g is a difference of two gradients on the same samples: one more step for each update.
/// </summary>
/// <param name="settings">Power, largest rate, reach and momentum.</param>
/// <param name="warn">Takes the warning that there was no gradient ahead; null when nobody listens.</param>
public sealed class DalOptimizer(DalSettings settings, Action<Fault>? warn = null) : IOptimizer
{
    /// <inheritdoc/>
    public StepPasses Passes(ParameterSet parameters) => new(2);

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(rate is { } given ? settings with { RateMax = given } : settings, parameters, warn);
    }

    private sealed class Optimization(DalSettings settings, ParameterSet parameters, Action<Fault>? warn) : IOptimization, IStateful
    {
        private readonly KeptRows _kept = settings.Momentum > 0 ? new(parameters, ("direction", KeptRows.Zeros)) : new(parameters);

        public int StateVersion => 1;

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            Tensor?[] gradient = [.. parameters.Select(static parameter => parameter.Value.grad)];
            var length = gradient.Length();
            if (length == 0) return 0;
            var curvature = Curvature(context, gradient, length);
            // A gradient ahead that is not a number says nothing about this step.
            if (!double.IsFinite(curvature))
            {
                warn?.Invoke(new Fault.Composition(FaultCodes.NoDescent, $"dal: the gradient at a distance of {settings.Reach} from the weights is not finite, and the weights stay; lower reach, or look at what rewards do there"));
                return 0;
            }
            var rate = Math.Min(2 / Math.Pow(curvature, settings.Power), settings.RateMax);
            for (var place = 0; place < parameters.Count; place++) Move(place, gradient[place], rate);
            _kept.Updates++;
            context.Measure("curvature", curvature);
            context.Measure("length", rate * length);
            return rate;
        }

        public PartState Save() => _kept.Save(StateVersion);

        public Result<Unit> Load(PartState state) => _kept.Load(state);

        public void Dispose() => _kept.Dispose();

        // ρ.
        private double Curvature(UpdateContext context, Tensor?[] gradient, double length)
        {
            using var scope = NewDisposeScope();
            var eta = settings.Reach / length;
            var ahead = context.Replay([.. parameters.Zip(gradient, (parameter, part) => part is null ? parameter.Value.detach() : parameter.Value.detach() + (part * eta))]);
            return gradient.Zip(ahead.Gradients, static (here, there) => (here, there) switch
            {
                (null, _) => there,
                (_, null) => here.neg(),
                _ => there - here,
            }).Length() / (eta * length);
        }

        private void Move(int place, Tensor? gradient, double rate)
        {
            if (gradient is null) return;
            var direction = settings.Momentum > 0 ? _kept[0][place].mul_(settings.Momentum).add_(gradient) : gradient;
            parameters[place].Value.add_(direction, -rate);
        }
    }
}
