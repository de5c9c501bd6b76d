using LeapAlign.Contracts.Solvers;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Problems of CUTEst under equalities, with their derivatives. Tests of the solver are of the same.</summary>
internal static class CutestProblems
{
    /// <summary>HS6: from (-1.2, 1) to (1, 1).</summary>
    public static ConstrainedAt Hs6(Tensor point, Tensor multipliers)
    {
        var (x, y, factor) = (point[0].item<double>(), point[1].item<double>(), multipliers[0].item<double>());
        return new(Math.Pow(1 - x, 2), Vector(-2 * (1 - x), 0), Vector(10 * (y - (x * x))), Vector(-20 * x, 10).unsqueeze(0), () => diag(Vector(2 - (20 * factor), 0)));
    }

    /// <summary>HS7: from (2, 2) to (0, √3).</summary>
    public static ConstrainedAt Hs7(Tensor point, Tensor multipliers)
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

    /// <summary>BT3: a sum of squares under three linear equalities, from 20 · 1.</summary>
    public static ConstrainedAt Bt3(Tensor point, Tensor multipliers)
    {
        var jacobian = tensor(new double[,] { { 1, 3, 0, 0, 0 }, { 0, 0, 1, 1, -2 }, { 0, 1, 0, 0, -1 } });
        var rows = tensor(new double[,] { { 1, -1, 0, 0, 0 }, { 0, 1, 1, 0, 0 }, { 0, 0, 0, 1, 0 }, { 0, 0, 0, 0, 1 } });
        var residuals = rows.mv(point) - Vector(0, 2, 1, 1);
        return new(residuals.square().sum().item<double>(), rows.t().mv(residuals) * 2, jacobian.mv(point), jacobian, () => rows.t().matmul(rows) * 2);
    }

    private static Tensor Vector(params double[] numbers) => tensor(numbers, dtype: float64);
}
