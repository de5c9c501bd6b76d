using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Solvers;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Three problems of CUTEst under equalities, by exact solves, by random rows and by random mixtures of rows.</summary>
internal static class ConstrainedNewtonCase
{
    private static readonly (string Name, ConstrainedProblem Problem, double[] Point, int Constraints, int Iterations, double[] Solution)[] s_problems =
    [
        ("HS6", Hs6, [-1.2, 1], 1, 9, [1, 1]),
        ("HS7", Hs7, [2, 2], 1, 10, [0, Math.Sqrt(3)]),
        ("BT3", Bt3, [20, 20, 20, 20, 20], 3, 1, [-0.767441860, 0.255813953, 0.627906977, -0.116279070, 0.255813953]),
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

    private static ConstrainedAt Hs6(Tensor point, Tensor multipliers)
    {
        var (x, y, factor) = (point[0].item<double>(), point[1].item<double>(), multipliers[0].item<double>());
        return new(Math.Pow(1 - x, 2), Vector(-2 * (1 - x), 0), Vector(10 * (y - (x * x))), Vector(-20 * x, 10).unsqueeze(0), () => diag(Vector(2 - (20 * factor), 0)));
    }

    private static ConstrainedAt Hs7(Tensor point, Tensor multipliers)
    {
        var (x, y, factor) = (point[0].item<double>(), point[1].item<double>(), multipliers[0].item<double>());
        var a = 1 + (x * x);
        return new(
            Math.Log(a) - y,
            Vector(2 * x / a, -1),
            Vector((a * a) + (y * y) - 4),
            Vector(4 * x * a, 2 * y).unsqueeze(0),
            () => diag(Vector((2 / a) - (4 * x * x / (a * a)) + (factor * ((4 * a) + (8 * x * x))), 2 * factor)));
    }

    private static ConstrainedAt Bt3(Tensor point, Tensor multipliers)
    {
        var jacobian = tensor(new double[,] { { 1, 3, 0, 0, 0 }, { 0, 0, 1, 1, -2 }, { 0, 1, 0, 0, -1 } });
        var rows = tensor(new double[,] { { 1, -1, 0, 0, 0 }, { 0, 1, 1, 0, 0 }, { 0, 0, 0, 1, 0 }, { 0, 0, 0, 0, 1 } });
        var residuals = rows.mv(point) - Vector(0, 2, 1, 1);
        return new(residuals.square().sum().item<double>(), rows.t().mv(residuals) * 2, jacobian.mv(point), jacobian, () => rows.t().matmul(rows) * 2);
    }

    private static Tensor Vector(params double[] numbers) => tensor(numbers, dtype: float64);
}
