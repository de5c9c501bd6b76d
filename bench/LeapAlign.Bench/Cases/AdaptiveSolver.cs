using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Dormand and Prince's pair with steps that are chosen, from time 0 to 1: how many evaluations a flow costs at a tolerance.</summary>
internal static class AdaptiveSolver
{
    private static readonly double[][] s_stages =
    [
        [1.0 / 5], [3.0 / 40, 9.0 / 40], [44.0 / 45, -56.0 / 15, 32.0 / 9], [19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729],
        [9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656], [35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84],
    ];

    private static readonly double[] s_times = [1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1];
    private static readonly double[] s_error = [71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40];

    /// <summary>Solves.</summary>
    /// <param name="velocity">The velocity at a state and a time.</param>
    /// <param name="state">Where it begins, fp64.</param>
    /// <param name="tolerance">Absolute and relative.</param>
    public static (Tensor End, int Evaluations) Solve(Func<Tensor, double, Tensor> velocity, Tensor state, double tolerance)
    {
        var (time, length, evaluations) = (0.0, 0.05, 1);
        var first = velocity(state, 0);
        while (time < 1)
        {
            length = Math.Min(length, 1 - time);
            List<Tensor> slopes = [first];
            var point = state;
            foreach (var (stage, part) in s_stages.Zip(s_times))
            {
                point = state + (Weighed(stage, slopes) * length);
                slopes.Add(velocity(point, time + (part * length)));
            }
            evaluations += 6;
            var scale = (maximum(state.abs(), point.abs()) * tolerance) + tolerance;
            var error = (Weighed(s_error, slopes) * length / scale).square().mean().sqrt().item<double>();
            if (error < 1) (time, state, first) = (length >= 1 - time ? 1 : time + length, point, slopes[^1]);
            length *= Math.Clamp(0.9 * Math.Pow(Math.Max(error, 1e-12), -0.2), 0.2, 10);
        }
        return (state, evaluations);
    }

    private static Tensor Weighed(double[] weights, List<Tensor> tensors) => weights.Zip(tensors).Where(static pair => pair.First != 0).Select(static pair => pair.Second * pair.First).Aggregate(static (sum, next) => sum + next);
}
