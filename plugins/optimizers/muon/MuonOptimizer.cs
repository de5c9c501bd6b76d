using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Muon;

/// <summary>
/// Muon (Jordan and others 2024, https://kellerjordan.github.io/posts/muon): the momentum of each matrix is made orthogonal, so that all of its directions move
/// equally far whatever the gradient's length. Everything that is no matrix learns by AdamW at a rate of its own.
/// </summary>
/// <param name="settings">Rates, momentum, form and decay.</param>
/// <param name="warn">Takes warnings; null when nobody listens.</param>
public sealed class MuonOptimizer(MuonSettings settings, Action<Fault>? warn = null) : IOptimizer
{
    /// <inheritdoc/>
    public bool IsSeparable => true;

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var own = rate is { } given ? settings with { Rate = given, AdamRate = given } : settings;
        MuonSlot[] matrices = [.. parameters.Where(IsMatrix).Select(parameter => new MuonSlot(parameter, own))];
        // An algorithm's own parameters may well be a few numbers.
        if (matrices.Length == 0 && parameters.Count > 0 && rate is null) warn?.Invoke(WithoutMatrix(parameters));
        return new Optimization(own, matrices, new AdamWUpdates("muon", own.AdamW, parameters.Where(parameter => !IsMatrix(parameter)), own.Decay, warn));
    }

    private bool IsMatrix(Parameter parameter) =>
        parameter.Value.dim() == 2 && (parameter.Role == ParameterRole.Matrix || (settings.Adapters && parameter.Role == ParameterRole.Adapter));

    private static Fault WithoutMatrix(ParameterSet parameters) => new Fault.Composition(
        FaultCodes.SettingsDoNotFit,
        $"muon: none of the {parameters.Count} trained parameters is a matrix, so AdamW updates all of them, at adamRate"
        + (parameters.Any(static parameter => parameter.Role == ParameterRole.Adapter) ? "; adapters = true makes the factors of the adapter matrices" : ""));

    private sealed class Optimization(MuonSettings settings, IReadOnlyList<MuonSlot> matrices, AdamWUpdates others) : IOptimization, IStateful
    {
        public int StateVersion => 1;

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            var rate = WarmUp.Rate(settings.Rate, settings.Warmup, context.Index);
            var adamRate = WarmUp.Rate(settings.AdamRate, settings.Warmup, context.Index);
            using (no_grad())
            {
                foreach (var matrix in matrices) matrix.Update(rate);
            }
            others.Update(adamRate);
            return matrices.Count > 0 ? rate : adamRate;
        }

        public PartState Save() => new(
            StateVersion,
            [.. matrices.Select(static matrix => new NamedTensor(Momentum(matrix), matrix.Momentum)), .. others.Tensors],
            new Dictionary<string, double>(others.Numbers));

        public Result<Unit> Load(PartState state) =>
            from momenta in matrices.Select(matrix => state.CopyTo(Momentum(matrix), matrix.Momentum)).All()
            from rest in others.Load(state)
            select rest;

        public void Dispose()
        {
            foreach (var matrix in matrices) matrix.Dispose();
            others.Dispose();
        }

        private static string Momentum(MuonSlot matrix) => $"momentum.{matrix.Name}";
    }
}
