using LeapAlign.Contracts.Flow;
using static TorchSharp.torch;

namespace LeapAlign.Host.Likelihoods;

/// <summary>The velocity of one sample at one place of the path, and estimates of its divergence there.</summary>
/// <param name="Velocity">v, the shape of the state, fp64.</param>
/// <param name="Divergences">By the forms that were asked for.</param>
internal sealed record FlowSlope(Tensor Velocity, IReadOnlyList<(double Value, double Variance)> Divergences);

/// <summary>What became of a sample along the path.</summary>
/// <param name="State">Where it ended, fp64.</param>
/// <param name="Divergences"><c>∫ div v dσ</c> from σ = 0 up to the noise whatever the direction, by form, and the variance of it that the estimates say.</param>
/// <param name="Spread">By form, the mean over evaluations of the variance of one estimate.</param>
internal sealed record FlowEnd(Tensor State, IReadOnlyList<(double Value, double Variance)> Divergences, IReadOnlyList<double> Spread);

/// <summary>
/// Integrates a sample and the divergence along its path with one method and the same evaluations. The state is fp64; it does not depend on the estimates, and those of different evaluations are independent of
/// each other: their variances add up with the squares of their weights.
/// </summary>
internal static class FlowIntegral
{
    /// <summary>Integrates over a schedule.</summary>
    /// <param name="schedule">The noise levels.</param>
    /// <param name="solver">The method.</param>
    /// <param name="upwards">Whether from the clean sample to noise; else from noise to the sample.</param>
    /// <param name="start">The state, [1, ...]; it is not disposed.</param>
    /// <param name="slope">The velocity at a state, a noise level and the number of the evaluation.</param>
    /// <returns>The state at the other end; the caller's.</returns>
    public static FlowEnd Over(Schedule schedule, FlowSolver solver, bool upwards, Tensor start, Func<Tensor, double, int, FlowSlope> slope)
    {
        double[] levels = [.. upwards ? schedule.Sigmas.Reverse() : schedule.Sigmas];
        var state = start.to(ScalarType.Float64).clone();
        var (evaluation, forms) = (0, 0);
        double[] values = [], variances = [], spread = [];
        for (var step = 0; step + 1 < levels.Length; step++)
        {
            using var scope = NewDisposeScope();
            var length = levels[step + 1] - levels[step];
            List<Tensor> velocities = [];
            for (var stage = 0; stage < solver.Times.Count; stage++)
            {
                var at = state;
                foreach (var (velocity, part) in velocities.Zip(solver.Stages[stage]))
                {
                    if (part != 0) at = RectifiedFlow.Leap(at, velocity, part * length);
                }
                // A schedule's ends are exact; what is added up to one need not be.
                var here = slope(at, Math.Clamp(levels[step] + (solver.Times[stage] * length), 0, 1), evaluation++);
                velocities.Add(here.Velocity);
                if (forms == 0) (forms, values, variances, spread) = (here.Divergences.Count, new double[here.Divergences.Count], new double[here.Divergences.Count], new double[here.Divergences.Count]);
                // The integral runs from 0 to the noise.
                var weight = solver.Weights[stage] * Math.Abs(length);
                for (var form = 0; form < forms; form++)
                {
                    values[form] += weight * here.Divergences[form].Value;
                    variances[form] += weight * weight * here.Divergences[form].Variance;
                    spread[form] += here.Divergences[form].Variance;
                }
            }
            var next = state;
            foreach (var (velocity, weight) in velocities.Zip(solver.Weights)) next = RectifiedFlow.Leap(next, velocity, weight * length);
            state.Dispose();
            state = next.MoveToOuterDisposeScope();
        }
        return new FlowEnd(state, [.. values.Zip(variances)], [.. spread.Select(sum => sum / evaluation)]);
    }
}
