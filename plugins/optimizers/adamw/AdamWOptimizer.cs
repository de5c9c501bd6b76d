using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;

namespace LeapAlign.Optimizers.AdamW;

/// <summary>AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) with bias-corrected moments and linear warm-up.</summary>
/// <param name="settings">Rate, decays and ε.</param>
/// <param name="warn">Takes the warning that the fused kernel is not there; null when nobody listens.</param>
public sealed class AdamWOptimizer(AdamWSettings settings, Action<Fault>? warn = null) : IOptimizer
{
    /// <inheritdoc/>
    public bool IsSeparable => true;

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var updates = new AdamWUpdates("adamw", settings.Form, parameters, new(settings.WeightDecay, settings.DecayAll), warn);
        return new Optimization(updates, index => WarmUp.Rate(rate ?? settings.Rate, settings.Warmup, index));
    }

    private sealed class Optimization(AdamWUpdates updates, Func<int, double> rateOf) : IOptimization, IStateful
    {
        public int StateVersion => 1;

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            var rate = rateOf(context.Index);
            updates.Update(rate);
            return rate;
        }

        public PartState Save() => new(StateVersion, [.. updates.Tensors], new Dictionary<string, double>(updates.Numbers));

        public Result<Unit> Load(PartState state) => updates.Load(state);

        public void Dispose() => updates.Dispose();
    }
}
