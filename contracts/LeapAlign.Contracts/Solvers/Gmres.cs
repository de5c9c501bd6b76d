using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>GMRES without restart (Saad and Schultz 1986) for any A that is not singular: the least residual in the Krylov space. It keeps a vector for each iteration.</summary>
public sealed class Gmres : ILinearSolver
{
    /// <inheritdoc/>
    public LinearSolution Solve(LinearMap map, Tensor right, LinearEnd end)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(right);
        ArgumentNullException.ThrowIfNull(end);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var all = right.norm().item<double>();
        if (all == 0) return new LinearSolution(zeros_like(right).MoveToOuterDisposeScope(), 0, 0);
        List<Tensor> basis = [right / all];
        // Columns of the triangle that rotations make of the Hessenberg matrix, and what they make of the right side.
        List<double[]> triangle = [];
        List<(double Cosine, double Sine)> turns = [];
        List<double> rest = [all];
        var most = (int)Math.Min(end.Most, right.numel());
        while (triangle.Count < most && Math.Abs(rest[^1]) > end.Tolerance * all)
        {
            var k = triangle.Count;
            var column = new double[k + 2];
            var next = map(basis[k]);
            for (var i = 0; i <= k; i++)
            {
                column[i] = basis[i].dot(next).item<double>();
                next = next - (basis[i] * column[i]);
            }
            column[k + 1] = next.norm().item<double>();
            if (!double.IsFinite(column[k + 1])) break;
            var broken = column[k + 1] <= 1e-14 * all;
            if (!broken) basis.Add(next / column[k + 1]);
            for (var i = 0; i < k; i++) (column[i], column[i + 1]) = Turned(turns[i], column[i], column[i + 1]);
            var radius = Math.Sqrt((column[k] * column[k]) + (column[k + 1] * column[k + 1]));
            if (radius <= 1e-14 * all) break;
            turns.Add((column[k] / radius, column[k + 1] / radius));
            (column[k], column[k + 1]) = (radius, 0);
            triangle.Add(column);
            rest.Add(-turns[k].Sine * rest[k]);
            rest[k] *= turns[k].Cosine;
            // The space is invariant: it holds the solution.
            if (broken) break;
        }
        var value = Combined(basis, triangle, rest, right);
        return new LinearSolution(value.MoveToOuterDisposeScope(), triangle.Count, ((right - map(value)).norm() / all).item<double>());
    }

    private static Tensor Combined(List<Tensor> basis, List<double[]> triangle, List<double> rest, Tensor like)
    {
        var factors = new double[triangle.Count];
        for (var i = factors.Length - 1; i >= 0; i--)
        {
            factors[i] = rest[i];
            for (var j = i + 1; j < factors.Length; j++) factors[i] -= triangle[j][i] * factors[j];
            factors[i] /= triangle[i][i];
        }
        return basis.Zip(factors).Aggregate(zeros_like(like), static (sum, pair) => sum + (pair.First * pair.Second));
    }

    private static (double, double) Turned((double Cosine, double Sine) turn, double first, double second) =>
        ((turn.Cosine * first) + (turn.Sine * second), (turn.Cosine * second) - (turn.Sine * first));
}
