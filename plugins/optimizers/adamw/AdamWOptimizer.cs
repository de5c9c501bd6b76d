using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
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
        return new Optimization(settings, [.. parameters.Select(static parameter => new AdamWSlot(parameter.Value))]);
    }

    private sealed class Optimization(AdamWSettings settings, IReadOnlyList<AdamWSlot> slots) : IOptimization
    {
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

        public void Dispose()
        {
            foreach (var slot in slots) slot.Dispose();
        }
    }
}
