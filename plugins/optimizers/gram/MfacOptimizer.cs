using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram;

/// <summary>
/// M-FAC (Frantar, Kurtic and Alistarh 2021, arXiv 2107.03356): each step is the gradient times the inverse of a curvature that is made of the last gradients, the newest
/// among them. Directions that come back in every gradient are damped, others are not.
/// </summary>
/// <param name="settings">Rate, window and damping.</param>
public sealed class MfacOptimizer(MfacSettings settings) : IOptimizer
{
    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(rate is { } given ? settings with { Rate = given } : settings, parameters);
    }

    private sealed class Optimization(MfacSettings settings, ParameterSet parameters) : ICurvatureOptimization, IStateful
    {
        private readonly GradientWindow _window = new(parameters, settings.Window, settings.Precision);
        private readonly Tensor[] _average = settings.Momentum == 0 ? [] : [.. parameters.Select(static parameter => zeros_like(parameter.Value).detach().DetachFromDisposeScope())];

        public int StateVersion => 1;

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var rate = WarmUp.Rate(settings.Rate, settings.Warmup, context.Index);
            Tensor?[] gradient = [.. parameters.Select(parameter => parameter.Value.grad is { } given ? Decayed(parameter, given) : null)];
            _window.Push(gradient);
            var damping = Damping;
            context.Measure("damping", damping);
            context.Measure("window", _window.Filled);
            // Nothing but zeros so far.
            if (damping == 0) return rate;
            var step = _window.Inverse(gradient, damping);
            foreach (var (average, part) in _average.Zip(step)) average.lerp_(part, 1 - settings.Momentum);
            var moved = _average.Length > 0 ? _average : step;
            foreach (var (parameter, part) in parameters.Zip(moved))
            {
                if (parameter.Value.grad is not null) parameter.Value.add_(part, -rate);
            }
            context.Measure("length", rate * moved.Length());
            context.Measure("cosine", Cosine(gradient, step));
            return rate;
        }

        public IReadOnlyList<Tensor>? InverseCurvature(IReadOnlyList<Tensor?> vector)
        {
            ArgumentNullException.ThrowIfNull(vector);
            if (vector.Count != parameters.Count) throw new ArgumentException($"{vector.Count} tensors were given for {parameters.Count} parameters", nameof(vector));
            var damping = Damping;
            return _window.Filled == 0 || damping == 0 ? null : _window.Inverse(vector, damping);
        }

        public PartState Save() => new(
            StateVersion,
            [.. _window.Tensors, .. parameters.Zip(_average, static (parameter, average) => new NamedTensor(Average(parameter), average))],
            new Dictionary<string, double>(_window.Numbers));

        public Result<Unit> Load(PartState state) =>
            from window in _window.Load(state)
            from averages in parameters.Zip(_average, (parameter, average) => state.CopyTo(Average(parameter), average)).All()
            select Unit.Value;

        public void Dispose()
        {
            _window.Dispose();
            foreach (var average in _average) average.Dispose();
        }

        // λ, for the window as it is.
        private double Damping => settings.DampingMode == DampingMode.Absolute ? settings.Damping : settings.Damping * _window.MeanSquare;

        private Tensor Decayed(Parameter parameter, Tensor gradient)
        {
            var decay = settings.Decay.Of(parameter);
            return decay == 0 ? gradient : gradient + (parameter.Value.detach() * decay);
        }

        // Of the step with the gradient: what the curvature turned.
        private static double Cosine(Tensor?[] gradient, IReadOnlyList<Tensor> step)
        {
            var product = gradient.Zip(step).Sum(static pair => pair.First is null ? 0 : (pair.First.to(ScalarType.Float64) * pair.Second.to(ScalarType.Float64)).sum().item<double>());
            var lengths = gradient.Length() * step.Length();
            return lengths == 0 ? 0 : product / lengths;
        }

        private static string Average(Parameter parameter) => $"average.{parameter.Name}";
    }
}
