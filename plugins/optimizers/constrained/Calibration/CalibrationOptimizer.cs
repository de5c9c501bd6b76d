using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Solvers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.Calibration;

/// <summary>
/// Calibration after training: few scales of what was trained, so that rewards rise and the means of others stay, by Newton's method under equalities (AdaSketch-Newton, arXiv 2305.18379). An update solves the problem of its
/// own samples to the end.
/// </summary>
/// <param name="settings">Equalities, groups and tolerances.</param>
/// <param name="name">Its name in the run.</param>
public sealed class CalibrationOptimizer(CalibrationSettings settings, string name = "constrained-newton") : IOptimizer
{
    // What small problems take, the published ones among them (1 to 10), and how often a step is halved before it is given up.
    private const int UsualSteps = 7, MostTries = 41;

    /// <inheritdoc/>
    /// <remarks>Each place is looked at under the raised rewards and under each that stays: where it began, where it is, 2n times for second derivatives of a Newton step, and where that step leads.</remarks>
    public StepPasses Passes(ParameterSet parameters)
    {
        var (scales, place) = (new ScaleGroups(parameters, settings.Groups, name).Names.Count, 1 + settings.Equal.Distinct(StringComparer.Ordinal).Count());
        double After(int steps, int tries) => 1 + (place * (2 + (steps * ((2.0 * scales) + tries))));
        return new(After(Math.Min(settings.Steps, UsualSteps), 1)) { Fewest = After(0, 0), Most = After(settings.Steps, MostTries) };
    }

    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(settings, name, parameters);
    }

    private sealed class Optimization(CalibrationSettings settings, string name, ParameterSet parameters) : IWeighingOptimization, IStateful
    {
        private readonly ScaleGroups _groups = new(parameters, settings.Groups, name);
        private readonly Tensor[] _origin = [.. parameters.Select(static parameter => parameter.Value.detach().clone().DetachFromDisposeScope())];
        private double[] _scales = [];
        private double[] _multipliers = [];
        private Dictionary<string, double> _raised = [];
        private Dictionary<string, double> _equal = [];

        public int StateVersion => 1;

        public IReadOnlyDictionary<string, double> Weights => _raised;

        public Result<Unit> Meet(IReadOnlyDictionary<string, double> rewards, IReadOnlyList<string> objectives)
        {
            ArgumentNullException.ThrowIfNull(rewards);
            if (settings.Equal.Count == 0) return Unfit.Of($"'{name}' has no equality: name trained rewards in its setting 'equal'");
            if (settings.Equal.FirstOrDefault(reward => !rewards.ContainsKey(reward)) is { } unknown)
                return Unfit.Untrained($"'{name}' is to keep the mean of", unknown, rewards.Keys);
            _equal = settings.Equal.Distinct(StringComparer.Ordinal).ToDictionary(static reward => reward, static _ => 1.0, StringComparer.Ordinal);
            _raised = rewards.Where(reward => !_equal.ContainsKey(reward.Key)).ToDictionary(StringComparer.Ordinal);
            if (_raised.Count == 0) return Unfit.Of($"'{name}' raises the trained rewards that are not in 'equal', but all are: {string.Join(", ", rewards.Keys)}");
            if (_equal.Count >= _groups.Names.Count) return Unfit.Of($"'{name}' has {_equal.Count} equalities for {_groups.Names.Count} scales: nothing is left to raise; name fewer rewards in 'equal', or more 'groups'");
            (_scales, _multipliers) = ([.. Enumerable.Repeat(1.0, _groups.Names.Count)], new double[_equal.Count]);
            return Unit.Value;
        }

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var problem = new ScaleProblem(settings, _groups, _origin, (_raised, [.. _equal.Keys]), context);
            var found = ConstrainedNewton.Solve(problem.At, tensor(_scales, ScalarType.Float64), tensor(_multipliers, ScalarType.Float64), settings.Form(context.Index))
                .Match(static solution => solution, static fault => throw new FaultException(fault));
            (_scales, _multipliers) = (Numbers(found.Point), Numbers(found.Multipliers));
            foreach (var (parameter, value) in parameters.Zip(_groups.Scaled(_origin, _scales))) parameter.Value.copy_(value);
            context.Measure("newton_steps", found.Iterations);
            context.Measure("passes", problem.Passes);
            context.Measure("projections", found.Projections);
            context.Measure("loss_before", problem.LossBefore);
            context.Measure("loss_after", found.At.Value);
            var kept = Numbers(found.At.Constraints);
            foreach (var (reward, place) in _equal.Keys.Select(static (reward, place) => (reward, place)))
            {
                context.Measure($"off_{reward}", kept[place]);
                context.Measure($"multiplier_{reward}", _multipliers[place]);
            }
            foreach (var (group, place) in _groups.Names.Select(static (group, place) => (group, place))) context.Measure($"scale_{place}", _scales[place]);
            return 0;
        }

        public PartState Save() => new(
            StateVersion,
            [
                new NamedTensor("scales", tensor(_scales, ScalarType.Float64)), new NamedTensor("multipliers", tensor(_multipliers, ScalarType.Float64)),
                .. parameters.Zip(_origin, static (parameter, origin) => new NamedTensor(Origin(parameter), origin)),
            ]);

        public Result<Unit> Load(PartState state)
        {
            using var scope = NewDisposeScope();
            var (scales, multipliers) = (tensor(_scales, ScalarType.Float64), tensor(_multipliers, ScalarType.Float64));
            return from savedScales in state.CopyTo("scales", scales)
                   from savedMultipliers in state.CopyTo("multipliers", multipliers)
                   from origins in parameters.Zip(_origin, (parameter, origin) => state.CopyTo(Origin(parameter), origin)).All()
                   select Resumed(Numbers(scales), Numbers(multipliers));
        }

        public void Dispose()
        {
            foreach (var origin in _origin) origin.Dispose();
        }

        private Unit Resumed(double[] scales, double[] multipliers)
        {
            (_scales, _multipliers) = (scales, multipliers);
            return Unit.Value;
        }

        private static double[] Numbers(Tensor vector) => vector.data<double>().ToArray();

        private static string Origin(Parameter parameter) => $"origin.{parameter.Name}";
    }
}
