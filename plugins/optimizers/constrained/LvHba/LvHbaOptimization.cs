using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Optimization.Bilevel;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.LvHba;

/// <summary>LV-HBA at work: x are weights of rewards, y is what is trained.</summary>
/// <param name="settings">Rates, budget and which rewards judge.</param>
/// <param name="name">Its name in the run.</param>
/// <param name="parameters">y.</param>
internal sealed class LvHbaOptimization(LvHbaSettings settings, string name, ParameterSet parameters) : IWeighingOptimization, IStateful
{
    private readonly Moments[] _moments = settings.Metric == StepMetric.Euclidean ? [] :
        [new(parameters, "own", (settings.Beta1, settings.Beta2, settings.Eps)), new(parameters, "solver", (settings.Beta1, settings.Beta2, settings.Eps))];

    private readonly Drift? _drift = settings.Constraint is not null && settings.Projection == BudgetProjection.Radial ? new Drift(parameters, settings.CurvatureDecay) : null;
    private Met? _met;

    public int StateVersion => 1;

    public IReadOnlyDictionary<string, double> Weights => At.Rewards.Of(At.Descent.Upper);

    private Met At => _met ?? throw new InvalidOperationException($"'{name}' was not told which rewards there are");

    public Result<Unit> Meet(IReadOnlyDictionary<string, double> rewards, IReadOnlyList<string> objectives)
    {
        ArgumentNullException.ThrowIfNull(rewards);
        ArgumentNullException.ThrowIfNull(objectives);
        if (settings.Constraint is { } constraint && !objectives.Contains(constraint, StringComparer.Ordinal))
            return Unfit.Of($"'{name}' is to keep the budget of the objective '{constraint}', but the run has {(objectives.Count == 0 ? "no objectives" : string.Join(", ", objectives))}");
        return LearntRewards.Among(name, rewards, settings.Upper).Map(learnt =>
        {
            _met?.Dispose();
            var begin = tensor(learnt.Begin, ScalarType.Float64).DetachFromDisposeScope();
            _met = new Met(learnt, new ValueFunctionDescent(Form, begin, [.. parameters.Select(static parameter => parameter.Value)], settings.Constraint is null ? 0 : 1)
            {
                Metric = _moments is [var own, var solver] ? (who, place, gradient) => (who == LowerPlace.Own ? own : solver).Over(place, gradient) : static (_, _, gradient) => gradient,
            });
            return Unit.Value;
        });
    }

    public double Update(UpdateContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (rewards, descent) = (At.Rewards, At.Descent);
        var problem = new WeighedProblem(settings, rewards, context, _drift);
        var (c, used) = (descent.Penalty, rewards.Of(descent.Upper));
        var own = descent.Step(problem);
        foreach (var (reward, weight) in rewards.Names.Select(reward => (reward, used[reward]))) context.Measure($"weight_{reward}", weight);
        context.Measure("c", c);
        context.Measure("upper_loss", problem.OfUpper.Loss);
        context.Measure("solver_distance", parameters.Zip(descent.Solver).Select(static pair => pair.First.Value.detach() - pair.Second).Length());
        if (settings.Constraint is not null)
        {
            context.Measure("constraint", (own.Constraints[0].Value + 1) * settings.Budget);
            context.Measure("multiplier", descent.Multipliers[0]);
            context.Measure("projected", problem.Projected ? 1 : 0);
        }
        return settings.Rate;
    }

    public PartState Save() => new(
        StateVersion,
        [
            new NamedTensor("weights", At.Descent.Upper),
            .. parameters.Zip(At.Descent.Solver, static (parameter, solver) => new NamedTensor(Solver(parameter), solver)),
            .. _moments.SelectMany(static moments => moments.Tensors),
            .. _drift?.Tensors ?? [],
        ],
        new Dictionary<string, double>([
            new("steps", At.Descent.Steps), new("multiplier", At.Descent.Multipliers.FirstOrDefault()), new("centre", At.Descent.Centres.FirstOrDefault()),
            .. _moments.SelectMany(static moments => moments.Numbers),
            .. _drift?.Numbers ?? [],
        ]));

    public Result<Unit> Load(PartState state) =>
        from weights in state.CopyTo("weights", At.Descent.Upper)
        from solver in parameters.Zip(At.Descent.Solver, (parameter, solver) => state.CopyTo(Solver(parameter), solver)).All()
        from steps in state.Number("steps")
        from moments in _moments.Select(moments => moments.Load(state)).All()
        from drift in _drift?.Load(state) ?? Unit.Value
        from multiplier in state.Number("multiplier")
        from centre in state.Number("centre")
        select Resumed((int)steps, multiplier, centre);

    public void Dispose()
    {
        foreach (var moments in _moments) moments.Dispose();
        _drift?.Dispose();
        _met?.Dispose();
    }

    private BilevelForm Form => new()
    {
        UpperRate = settings.WeightRate,
        Rate = settings.Rate,
        LowerRate = settings.LowerRate ?? settings.Rate,
        MultiplierRate = settings.MultiplierRate,
        CentreRate = settings.CentreRate,
        Proximity = settings.Proximity ?? (20 * (settings.LowerRate ?? settings.Rate)),
        MultiplierProximity = settings.MultiplierProximity,
        Penalty = settings.Penalty,
        PenaltyPower = settings.PenaltyPower,
        Bound = settings.Bound,
    };

    private Unit Resumed(int steps, double multiplier, double centre)
    {
        At.Descent.Steps = steps;
        if (settings.Constraint is not null) (At.Descent.Multipliers[0], At.Descent.Centres[0]) = (multiplier, centre);
        return Unit.Value;
    }

    private static string Solver(Parameter parameter) => $"solver.{parameter.Name}";

    private sealed record Met(LearntRewards Rewards, ValueFunctionDescent Descent) : IDisposable
    {
        public void Dispose()
        {
            Descent.Upper.Dispose();
            Descent.Dispose();
        }
    }
}
