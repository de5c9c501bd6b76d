using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.AdamW;

/// <summary>AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) with bias-corrected moments and linear warm-up.</summary>
/// <param name="settings">Rate, decays and ε.</param>
public sealed class AdamWOptimizer(AdamWSettings settings) : IOptimizer
{
    /// <inheritdoc/>
    public IOptimization Begin(IReadOnlyList<NamedTensor> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(settings, [.. parameters.Select(static parameter => new AdamWSlot(parameter.Name, parameter.Value))]);
    }

    private sealed class Optimization(AdamWSettings settings, IReadOnlyList<AdamWSlot> slots) : IOptimization, IStateful
    {
        public int StateVersion => 1;

        public double Update(int step)
        {
            var rate = settings.Warmup > 1 ? settings.Rate * Math.Min(1, (step + 1.0) / settings.Warmup) : settings.Rate;
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var moving = slots.Where(static slot => slot.Parameter.grad is not null).ToList();
            foreach (var slot in moving) slot.Advance();
            if (!(settings.Fused && FusedAdamW.TryUpdate(moving, settings, rate))) PlainAdamW.Update(moving, settings, rate);
            return rate;
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
