using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.AdamW;

/// <summary>AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) with bias-corrected moments and linear warm-up.</summary>
/// <param name="settings">Rate, decays and ε.</param>
/// <param name="warn">Takes the warning that the fused kernel is not there; null when nobody listens.</param>
public sealed class AdamWOptimizer(AdamWSettings settings, Action<Fault>? warn = null) : IOptimizer
{
    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(rate is { } own ? settings with { Rate = own } : settings, warn, [.. parameters.Select(parameter => new AdamWSlot(parameter.Name, parameter.Value, Decay(parameter)))]);
    }

    // A norm or a bias that shrinks does not make a network simpler.
    private double Decay(Parameter parameter) => settings.DecayAll || parameter.Decays ? settings.WeightDecay : 0;

    private sealed class Optimization(AdamWSettings settings, Action<Fault>? warn, IReadOnlyList<AdamWSlot> slots) : IOptimization, IStateful
    {
        private bool _warned;

        public int StateVersion => 1;

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            var rate = settings.Warmup > 1 ? settings.Rate * Math.Min(1, (context.Index + 1.0) / settings.Warmup) : settings.Rate;
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var moving = slots.Where(static slot => slot.Parameter.grad is not null).ToList();
            foreach (var slot in moving) slot.Advance();
            if (settings.Fused && FusedAdamW.TryUpdate(moving, settings, rate)) return rate;
            if (settings.Fused && moving.Count > 0) Warn(moving[0].Parameter.device_type);
            PlainAdamW.Update(moving, settings, rate);
            return rate;
        }

        // The same to rounding, but not to the bit: a run on another machine would differ without a word.
        private void Warn(TorchSharp.DeviceType device)
        {
            if (_warned) return;
            _warned = true;
            warn?.Invoke(new Fault.Plugin(
                FaultCodes.MissingDependency, $"adamw: this libtorch has no fused kernel for {device}; plain operations compute the update, equal to rounding and not to the bit (fused = false says so without a warning)"));
        }

        public PartState Save() => new(
            StateVersion,
            [.. slots.SelectMany(static slot => new[] { new NamedTensor(First(slot), slot.First), new NamedTensor(Second(slot), slot.Second) })],
            slots.ToDictionary(static slot => Count(slot), static slot => (double)slot.Updates));

        public Result<Unit> Load(PartState state) => slots.Select(slot =>
            from first in state.CopyTo(First(slot), slot.First)
            from second in state.CopyTo(Second(slot), slot.Second)
            from updates in state.Number(Count(slot))
            select Resume(slot, updates)).All().Map(static _ => Unit.Value);

        public void Dispose()
        {
            foreach (var slot in slots) slot.Dispose();
        }

        private static string First(AdamWSlot slot) => $"first.{slot.Name}";

        private static string Second(AdamWSlot slot) => $"second.{slot.Name}";

        private static string Count(AdamWSlot slot) => $"updates.{slot.Name}";

        private static Unit Resume(AdamWSlot slot, double updates)
        {
            slot.Resume((int)updates);
            return Unit.Value;
        }
    }
}
