using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Solvers;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Three problems of CUTEst under equalities, by exact solves, by random rows and by random mixtures of rows.</summary>
internal static class ConstrainedNewtonCase
{
    private static readonly (string Name, ConstrainedProblem Problem, double[] Point, int Constraints, int Iterations, double[] Solution)[] s_problems =
    [
        ("HS6", CutestProblems.Hs6, [-1.2, 1], 1, 9, [1, 1]),
        ("HS7", CutestProblems.Hs7, [2, 2], 1, 10, [0, Math.Sqrt(3)]),
        ("BT3", CutestProblems.Bt3, [20, 20, 20, 20, 20], 3, 1, [-0.767441860, 0.255813953, 0.627906977, -0.116279070, 0.255813953]),
    ];

    public static IEnumerable<CaseFigure> Run()
    {
        foreach (var (name, problem, point, constraints, iterations, solution) in s_problems)
        {
            foreach (var sketch in Enum.GetValues<SystemSketch>())
            {
                foreach (var seed in Enumerable.Range(0, sketch == SystemSketch.Exact ? 1 : 3))
                {
                    using var scope = NewDisposeScope();
                    var found = ConstrainedNewton.Solve(problem, tensor(point), zeros(constraints, dtype: float64), new ConstrainedForm { Sketch = sketch, Random = RandomKey.OfRun(seed) }).Required();
                    var far = found.Point.data<double>().Zip(solution, static (a, b) => Math.Abs(a - b)).Max();
                    // The published option is rows; mixtures are told.
                    var barred = sketch != SystemSketch.Gaussian;
                    yield return new CaseFigure(
                        FormattableString.Invariant($"{name}, {sketch}, seed {seed}: iterations, {far:0.0e+0} from the solution, {found.Projections} projections"), found.Iterations,
                        barred ? $"{iterations}, within 2e-4" : "", !barred || (found.Iterations == iterations && far < 2e-4));
                }
            }
        }
    }
}
