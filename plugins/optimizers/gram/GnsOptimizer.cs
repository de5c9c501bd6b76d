using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram;

/// <summary>
/// Gradient-normalised smoothness (Semenov, Jaggi and Doikov 2025, arXiv 2506.13710): a step <c>−(H + λ I)⁻¹ g</c> with <c>λ = ‖g‖ / γ</c>, whose radius γ is learned. A step
/// is taken when the loss falls by <c>‖g⁺‖² / (8 λ)</c>, g⁺ being the gradient behind it on the same samples; the radius doubles then, and halves otherwise. No rate is set.
/// </summary>
/// <param name="settings">The first radius, tries and curvature.</param>
/// <param name="warn">Takes the warning that no radius gave a step; null when nobody listens.</param>
public sealed class GnsOptimizer(GnsSettings settings, Action<Fault>? warn = null) : IOptimizer
{
    // Added to the radius, as published.
    private const double Epsilon = 1e-8;

    // The share of ‖g⁺‖² / λ by which the loss has to fall.
    private const double Decrease = 1.0 / 8;

    /// <inheritdoc/>
    /// <remarks>The step once more for each radius that is tried: two as a rule, since one that was taken is doubled (89 evaluations in 44 steps of the published example). None where there is no gradient.</remarks>
    public StepPasses Passes(ParameterSet parameters) => new(Math.Min(3, 1 + settings.Tries)) { Fewest = 1, Most = 1 + settings.Tries };

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        // A radius is a length of steps, which is what a rate is to others.
        var own = rate is { } given ? settings with { Radius = given } : settings;
        return own.Curvature == GnsCurvature.Rows ? new WithRows(own, parameters, warn) : new Optimization(own, parameters, warn);
    }

    private class Optimization(GnsSettings settings, ParameterSet parameters, Action<Fault>? warn) : IOptimization, IStateful
    {
        private double _radius = settings.Radius;

        public int StateVersion => 1;

        protected GnsSettings Settings => settings;

        protected ParameterSet Parameters => parameters;

        public virtual double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            Tensor?[] gradient = [.. parameters.Select(static parameter => parameter.Value.grad)];
            var length = gradient.Length();
            var (tries, taken, ended) = (0, false, length == 0);
            double used = 0, fell = 0;
            for (var step = ended ? null : Steps(gradient); !ended && !taken && tries < settings.Tries; tries++)
            {
                used = _radius;
                (taken, fell) = Try(context, step!, length / (_radius + Epsilon));
                if (taken) _radius = Math.Max(2 * _radius, settings.RadiusMin);
                else ended = Math.Abs(fell) < settings.Flat * Math.Abs(context.Loss);
                if (!taken && !ended) _radius /= 2;
            }
            if (!taken && length > 0) warn?.Invoke(NoDescent(tries, ended));
            context.Measure("radius", used);
            context.Measure("tries", tries);
            context.Measure("taken", taken ? 1 : 0);
            context.Measure("decrease", taken ? fell : 0);
            return taken ? used : 0;
        }

        public PartState Save() => new(StateVersion, [], new Dictionary<string, double> { ["radius"] = _radius });

        public Result<Unit> Load(PartState state) => state.Number("radius").Map(radius =>
        {
            _radius = radius;
            return Unit.Value;
        });

        public virtual void Dispose() => GC.SuppressFinalize(this);

        protected virtual RegularizedStep Steps(IReadOnlyList<Tensor?> gradient) => new(parameters, gradient);

        // The same samples and draws: only the weights differ, so that the difference of two losses is that of the step.
        private (bool Taken, double Fell) Try(UpdateContext context, RegularizedStep step, double lambda)
        {
            using var scope = NewDisposeScope();
            Tensor[] moved = [.. parameters.Zip(step.Of(lambda), static (parameter, part) => parameter.Value.detach() + part)];
            var behind = context.Replay(moved);
            var (fell, after) = (context.Loss - behind.Loss, behind.Gradients.Length());
            // A loss that is not a number compares as false.
            if (!(fell >= Decrease * after * after / lambda)) return (false, fell);
            foreach (var (parameter, value) in parameters.Zip(moved)) parameter.Value.copy_(value);
            return (true, fell);
        }

        private static Fault.Composition NoDescent(int tries, bool ended) => new(
            FaultCodes.NoDescent,
            ended
                ? "gns: the loss no longer changes by more than a rounding where a step was tried, and the weights stay; a loss in bfloat16 is compared so early, one in float32 later (run.dtype)"
                : $"gns: none of {tries} radii gave a step that lowers the loss of its own samples, and the weights stay; the loss has to be a function of weights and samples, which a reward that answers differently each time is not");
    }

    private sealed class WithRows(GnsSettings settings, ParameterSet parameters, Action<Fault>? warn) : Optimization(settings, parameters, warn), IRowOptimization
    {
        private readonly GradientMatrix _rows = new(parameters, settings.Precision);
        private int _count;
        private int _expected = 1;

        public void Take(GradientRow row)
        {
            ArgumentNullException.ThrowIfNull(row);
            if (row.Index >= _rows.Capacity) _rows.Reserve(Math.Max(_expected, 2 * row.Index));
            _rows.Clear(row.Index);
            // H = Σ share g gᵀ.
            _rows.Add(row.Index, row.Gradients, Math.Sqrt(Math.Max(0, row.Share)));
            _count = row.Index + 1;
        }

        public override double Update(UpdateContext context)
        {
            var used = base.Update(context);
            _expected = _count;
            _rows.Release();
            return used;
        }

        public override void Dispose()
        {
            _rows.Dispose();
            base.Dispose();
        }

        protected override RegularizedStep Steps(IReadOnlyList<Tensor?> gradient) => new(Parameters, gradient, _rows, _count);
    }
}
