using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>
/// Restart-free gradient sliding (Wu, Xu and Zhang 2026, arXiv 2602.04161; its numbers are derived from Lan's sliding scheme for strong convexity, since the paper's were not at hand): <c>min f + h + μ/2 ‖θ − b‖²</c>, one gradient of
/// the dear f for T subgradients of the cheap h. The gradient is taken at <c>(1 − γ) x̄ + γ x</c>, and x̄ is what is trained.
/// </summary>
/// <param name="settings">Smoothness, decay and penalty.</param>
public sealed class SlidingOptimizer(SlidingSettings settings) : IOptimizer
{
    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var own = rate is { } given ? settings with { Smooth = Math.Max(1 / given, settings.Strong) } : settings;
        if (own.Strong > own.Smooth)
        {
            throw new FaultException(new Fault.Composition(
                FaultCodes.SettingsDoNotFit, FormattableString.Invariant($"gradient-sliding: strong is {own.Strong}, which may be at most smooth, {own.Smooth}"), new SourcePlace("plugins.json", Key: "optimizer.settings.strong")));
        }
        return new Optimization(own, parameters);
    }

    private sealed class Optimization(SlidingSettings settings, ParameterSet parameters) : IProbingOptimization, IStateful
    {
        private readonly double _share = 0.5 * Math.Sqrt(settings.Strong / settings.Smooth);
        private readonly KeptRows _kept = new(parameters, ("point", KeptRows.AsNow), ("target", settings.Decay == DecayTarget.Start ? KeptRows.AsNow : KeptRows.Zeros));

        public int StateVersion => 1;

        // k, gradients of f so far.
        private int Updates => _kept.Updates;

        // x.
        private IReadOnlyList<Tensor> Point => _kept[0];

        // b.
        private IReadOnlyList<Tensor> Target => _kept[1];

        public IReadOnlyList<Tensor>? Probe()
        {
            // Both points are where training began before the first step.
            if (Updates == 0) return null;
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            return [.. parameters.Zip(Point, (parameter, point) => parameter.Value.detach().lerp(point, _share).MoveToOuterDisposeScope())];
        }

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var _ = no_grad();
            var inner = Inner();
            double penalty = 0;
            foreach (var (place, parameter) in parameters.Index())
            {
                if (parameter.Value.grad is not { } gradient) continue;
                using var scope = NewDisposeScope();
                Slide(place, gradient, inner);
                penalty += Penalty(parameter.Value);
            }
            context.Measure("inner", inner);
            context.Measure("penalty", penalty * settings.Sparsity);
            _kept.Updates++;
            return 1 / settings.Smooth;
        }

        public PartState Save() => _kept.Save(StateVersion);

        public Result<Unit> Load(PartState state) => _kept.Load(state);

        public void Dispose() => _kept.Dispose();

        // T = ⌈T0 (1 − γ/2)^{1−k}⌉, k from 1.
        private int Inner()
        {
            var steps = settings.Inner * Math.Pow(1 - (_share / 2), -Updates);
            return steps >= settings.InnerCap ? settings.InnerCap : (int)Math.Ceiling(steps);
        }

        private void Slide(int place, Tensor gradient, int inner)
        {
            var (mean, point) = (parameters[place].Value, Point[place]);
            var (strong, beta) = (settings.Strong, settings.Smooth * _share);
            // β c + μ b − g, which stays.
            var fixedPart = (point * beta) + (Target[place] * strong) - gradient;
            var (u, average) = (point.clone(), point.clone());
            for (var t = 1; t <= inner; t++)
            {
                using var scope = NewDisposeScope();
                var weight = (1 + (strong / beta)) * t / 2;
                var step = fixedPart + (u * (beta * weight));
                if (settings.Sparsity > 0) step = step - (Subgradient(u) * settings.Sparsity);
                u.copy_(step / (beta + (beta * weight) + strong));
                average.lerp_(u, 2.0 * (t + 1) / ((double)t * (t + 3)));
            }
            point.copy_(u);
            mean.lerp_(average, _share);
        }

        private Tensor Subgradient(Tensor at)
        {
            if (Ranks(at) is not { } along) return at.sign();
            var lengths = at.norm(along, keepdim: true);
            // A slice that is 0 has any direction, and 0 is one of them.
            return where(lengths.gt(0), at / lengths, zeros_like(at));
        }

        private double Penalty(Tensor at) => (Ranks(at) is { } along ? at.norm(along, keepdim: false).to(ScalarType.Float64).sum() : at.abs().to(ScalarType.Float64).sum()).item<double>();

        // The longer side, which a slice runs along; null counts numbers one by one.
        private int? Ranks(Tensor at) => settings.Penalty == PenaltyKind.Ranks && at.dim() == 2 ? (at.shape[0] <= at.shape[1] ? 1 : 0) : null;
    }
}
