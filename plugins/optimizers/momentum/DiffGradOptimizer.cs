using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>
/// diffGrad (Dubey and others 2020, arXiv 1909.11015): Adam whose steps are shortened, down to a half, where a gradient changes little from one update to the next, as it
/// does in flat places and near a minimum.
/// </summary>
/// <param name="settings">Rate, decays and form.</param>
/// <param name="warn">Takes the warning that friction is the same everywhere; null when nobody listens.</param>
public sealed class DiffGradOptimizer(DiffGradSettings settings, Action<Fault>? warn = null) : IOptimizer
{
    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(rate is { } given ? settings with { Rate = given } : settings, [.. parameters.Select(parameter => new DiffGradSlot(parameter, settings))], warn);
    }

    private sealed class Optimization(DiffGradSettings settings, IReadOnlyList<DiffGradSlot> slots, Action<Fault>? warn) : IOptimization, IStateful
    {
        // A range of friction below this is none, and so many updates of it are no accident.
        private const double Range = 1e-3;
        private const int Patience = 100;

        private int _alike;

        public int StateVersion => 1;

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var rate = WarmUp.Rate(settings.Rate, settings.Warmup, context.Index);
            DiffGradSlot[] moving = [.. slots.Where(static slot => slot.Moves)];
            if (moving.Length == 0) return rate;
            // Read once, after all of it was computed.
            var seen = stack(moving.Select(slot => slot.Update(rate)));
            var mean = seen.select(1, 0).sum().item<double>() / moving.Sum(static slot => slot.Count);
            var range = (seen.select(1, 2).max() - seen.select(1, 1).min()).item<double>();
            context.Measure("friction", mean);
            context.Measure("friction_range", range);
            // One weight alone has no range.
            _alike = range < Range && moving.Sum(static slot => slot.Count) > 1 ? _alike + 1 : 0;
            if (_alike == Patience) warn?.Invoke(Alike(mean));
            return rate;
        }

        public PartState Save() => new(
            StateVersion,
            [.. slots.SelectMany(static slot => new NamedTensor[] { new($"first.{slot.Name}", slot.First), new($"second.{slot.Name}", slot.Second), new($"previous.{slot.Name}", slot.Previous) })],
            new Dictionary<string, double>(slots.Select(static slot => KeyValuePair.Create($"updates.{slot.Name}", (double)slot.Updates)).Append(KeyValuePair.Create("alike", (double)_alike))));

        public Result<Unit> Load(PartState state) =>
            from loaded in slots.Select(slot => Load(slot, state)).All()
            from alike in state.Number("alike")
            select Resumed((int)alike);

        public void Dispose()
        {
            foreach (var slot in slots) slot.Dispose();
        }

        private static Result<Unit> Load(DiffGradSlot slot, PartState state) =>
            from first in state.CopyTo($"first.{slot.Name}", slot.First)
            from second in state.CopyTo($"second.{slot.Name}", slot.Second)
            from previous in state.CopyTo($"previous.{slot.Name}", slot.Previous)
            from updates in state.Number($"updates.{slot.Name}")
            select Resumed(slot, (int)updates);

        private static Unit Resumed(DiffGradSlot slot, int updates)
        {
            slot.Updates = updates;
            return Unit.Value;
        }

        private Unit Resumed(int alike)
        {
            _alike = alike;
            return Unit.Value;
        }

        private static Fault.Composition Alike(double mean) => new(
            FaultCodes.SettingsDoNotFit,
            FormattableString.Invariant($"diffgrad: friction was the same for all weights in {Patience} updates, {mean:0.####} on average, so that this is Adam at that share of the rate; gradients change by too little for it in their unit: relative = true measures them in their own, and run.clipNorm shortens them"));
    }
}
