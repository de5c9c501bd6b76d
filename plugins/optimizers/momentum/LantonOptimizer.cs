using System.IO.Enumeration;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>
/// LANTON (Hao, Gong, Xu, Wang and Liu 2025, arXiv 2510.14009): updates of unit length in each tensor's own norm, as Muon and Scion make them, at rates that are smaller
/// where gradients are noisier: <c>η_l = η √(a_l / max a)</c> within a group, <c>a = α / √(α² + H)</c>, H the moving average of the squared noise.
/// </summary>
/// <param name="settings">Rate, decays, groups and noise.</param>
public sealed class LantonOptimizer(LantonSettings settings) : IOptimizer
{
    /// <inheritdoc/>
    public StepPasses Passes(ParameterSet parameters) => settings.Noise == NoiseOf.SecondDraw ? new(2) : StepPasses.Once;

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        // Names of an algorithm's own parameters are not those that the settings speak of.
        if (rate is null) Known(parameters);
        return new Optimization(rate is { } given ? settings with { Rate = given } : settings, [.. parameters.Select(Slot)]);
    }

    private LantonSlot Slot(Parameter parameter)
    {
        var (norm, kind) = parameter switch
        {
            { Role: ParameterRole.Embedding } => (LayerNorm.Embedding, "embeddings"),
            { Role: ParameterRole.Matrix or ParameterRole.Adapter } when parameter.Value.dim() > 1 =>
                settings.Heads.Any(head => Names(head, parameter)) ? (LayerNorm.Embedding, "embeddings") : (LayerNorm.Hidden, "matrices"),
            _ => (LayerNorm.Vector, "vectors"),
        };
        return new LantonSlot(parameter, norm, settings.Groups.FirstOrDefault(group => Names(group, parameter)) is { } pattern ? $"{kind} {pattern}" : kind, settings);
    }

    private void Known(ParameterSet parameters)
    {
        foreach (var (key, pattern) in settings.Groups.Select(static group => ("groups", group)).Concat(settings.Heads.Select(static head => ("heads", head))))
        {
            if (parameters.Any(parameter => Names(pattern, parameter))) continue;
            throw new FaultException(new Fault.Composition(
                FaultCodes.SettingsDoNotFit, $"lanton: '{pattern}' of {key} names none of the {parameters.Count} trained tensors, such as '{parameters[0].Name}'"));
        }
    }

    private static bool Names(string pattern, Parameter parameter) => FileSystemName.MatchesSimpleExpression(pattern, parameter.Name, ignoreCase: false);

    private sealed class Optimization(LantonSettings settings, IReadOnlyList<LantonSlot> slots) : IOptimization, IStateful
    {
        // Updates after which a group finds its α.
        private const int Settled = 10;

        // α by group, once it is known.
        private readonly Dictionary<string, double> _alphas = [];

        public int StateVersion => 1;

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var rate = WarmUp.Rate(settings.Rate, settings.Warmup, context.Index);
            var second = settings.Noise == NoiseOf.SecondDraw ? context.Draw(1).Gradients : null;
            for (var place = 0; place < slots.Count; place++)
            {
                if (slots[place].Moves) slots[place].Take(second?[place]);
            }
            List<double> factors = [];
            foreach (var group in slots.Where(static slot => slot.Moves).GroupBy(static slot => slot.Group))
            {
                var alpha = Alpha(group.Key);
                double[] quiet = [.. group.Select(slot => alpha is > 0 and var level ? level / Math.Sqrt((level * level) + slot.Noise) : 1)];
                var quietest = quiet.Max();
                foreach (var (slot, own) in group.Zip(quiet))
                {
                    factors.Add(Math.Sqrt(own / quietest));
                    slot.Move(rate * factors[^1]);
                }
            }
            if (factors.Count == 0) return rate;
            context.Measure("rate_min", rate * factors.Min());
            context.Measure("rate_mean", rate * factors.Average());
            context.Measure("noise", Math.Sqrt(slots.Average(static slot => slot.Noise)));
            return rate;
        }

        public PartState Save() => new(
            StateVersion,
            [.. slots.SelectMany(static slot => slot.Tensors)],
            new Dictionary<string, double>(slots.SelectMany(static slot => slot.Numbers).Concat(_alphas.Select(static group => KeyValuePair.Create($"alpha.{group.Key}", group.Value)))));

        public Result<Unit> Load(PartState state) => slots.Select(slot => slot.Load(state)).All().Map(_ =>
        {
            foreach (var group in slots.Select(static slot => slot.Group).Distinct())
            {
                if (state.Numbers.TryGetValue($"alpha.{group}", out var alpha)) _alphas[group] = alpha;
            }
            return Unit.Value;
        });

        public void Dispose()
        {
            foreach (var slot in slots) slot.Dispose();
        }

        // Null where it is not known yet: all rates are the same then.
        private double? Alpha(string group)
        {
            if (settings.Alpha is { } given) return given;
            if (_alphas.TryGetValue(group, out var known)) return known;
            LantonSlot[] members = [.. slots.Where(slot => slot.Group == group && slot.Updates > 0)];
            if (members.Max(static slot => slot.Updates) < Settled) return null;
            double[] noises = [.. members.Select(static slot => slot.Noise).Order()];
            return _alphas[group] = Math.Sqrt((noises[noises.Length / 2] + noises[(noises.Length - 1) / 2]) / 2);
        }
    }
}
