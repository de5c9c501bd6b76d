using static TorchSharp.torch;

namespace LeapAlign.Objectives.LocalError;

/// <summary>One step of an embedded pair of Runge-Kutta methods.</summary>
/// <param name="Next">The state behind the step, by the method of higher order, [B, ...].</param>
/// <param name="Difference">What the two methods differ by, [B, ...].</param>
/// <param name="Stiffness"><c>RMS(k_7 − k_6) / RMS(g_7 − g_6)</c> of the last two stages, which are at the same time, [B]; null where a pair has no two such stages.</param>
internal sealed record SolverStep(Tensor Next, Tensor Difference, Tensor? Stiffness)
{
    /// <summary>Where the stability region of Dormand and Prince's method ends on the negative axis.</summary>
    public const double StabilitySize = 3.3066;

    // Dormand and Prince 1980, A family of embedded Runge-Kutta formulae: the 5(4) pair.
    private static readonly double[][] s_stages =
    [
        [],
        [1.0 / 5],
        [3.0 / 40, 9.0 / 40],
        [44.0 / 45, -56.0 / 15, 32.0 / 9],
        [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
        [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656],
        [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
    ];

    private static readonly double[] s_times = [0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1];
    private static readonly double[] s_error = [71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40];

    /// <summary>Takes a step.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="velocity">The velocity at a state and a time.</param>
    /// <param name="state">x, [B, ...], a constant.</param>
    /// <param name="time">t.</param>
    /// <param name="length">h; negative towards the data.</param>
    public static SolverStep Of(SolverPair pair, Func<Tensor, double, Tensor> velocity, Tensor state, double time, double length)
    {
        if (pair == SolverPair.Heun)
        {
            var first = velocity(state, time);
            var second = velocity(state + (first * length), time + length);
            return new SolverStep(state + ((first + second) * (length / 2)), (second - first) * (length / 2), null);
        }
        List<Tensor> slopes = [], points = [];
        foreach (var (stage, part) in s_stages.Zip(s_times))
        {
            points.Add(stage.Length == 0 ? state : state + (Weighed(stage, slopes) * length));
            slopes.Add(velocity(points[^1], time + (part * length)));
        }
        var change = RootMeanSquare(points[6] - points[5]);
        return new SolverStep(points[6], Weighed(s_error, slopes) * length, RootMeanSquare(slopes[6] - slopes[5]) / change.clamp_min(1e-30));
    }

    /// <summary>The difference in units of a tolerance: the root of the mean over the dimensions of a sample of <c>(e / (atol + rtol · max(|x|, |x⁺|)))²</c>.</summary>
    /// <param name="state">x, as it was handed in.</param>
    /// <param name="atol">The absolute tolerance.</param>
    /// <param name="rtol">The relative tolerance.</param>
    /// <returns>[B].</returns>
    public Tensor Scaled(Tensor state, double atol, double rtol) => RootMeanSquare(Difference / ((maximum(state.abs(), Next.abs()) * rtol) + atol));

    // The norm, and no root of a sum: its derivative at 0 is 0, where a root has none.
    private static Tensor RootMeanSquare(Tensor values)
    {
        var rows = values.flatten(1);
        return linalg.vector_norm(rows, ord: 2, dims: [1]) / Math.Sqrt(rows.shape[1]);
    }

    private static Tensor Weighed(double[] weights, List<Tensor> tensors) => weights.Zip(tensors).Where(static pair => pair.First != 0).Select(static pair => pair.Second * pair.First).Aggregate(static (sum, next) => sum + next);
}
