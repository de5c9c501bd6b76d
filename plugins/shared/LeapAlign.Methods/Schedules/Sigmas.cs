using System.Numerics;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;

namespace LeapAlign.Methods.Schedules;

/// <summary>
/// The schedules in use for rectified flows. Each follows its reference's order of rounding (fp64 until a point, fp32 from there on), so that the noise
/// levels agree to the bit.
/// </summary>
public static class Sigmas
{
    private const double KarrasRho = 7;
    private const double BetaParameter = 0.6;

    /// <summary>
    /// What a diffusers pipeline does when it is given <c>sigmas = linspace(1, 1/N, N)</c>: fp64 rounded to fp32, then in fp32 the shift and whatever else
    /// the scheduler is set to; 0 at the end.
    /// </summary>
    /// <param name="scheduling">What the model's scheduler says.</param>
    /// <param name="steps">N.</param>
    /// <exception cref="ArgumentException">Its settings give levels that do not fall strictly from at most 1 to 0.</exception>
    public static Schedule Explicit(FlowScheduling scheduling, int steps)
    {
        ArgumentNullException.ThrowIfNull(scheduling);
        return Ending([.. Linspace(1, 1.0 / steps, steps).Select(static u => (float)u)], scheduling);
    }

    /// <inheritdoc cref="Explicit(FlowScheduling, int)"/>
    /// <summary><see cref="Explicit(FlowScheduling, int)"/> with a static shift and nothing else: <c>S(u)</c> in fp32.</summary>
    /// <param name="steps">N.</param>
    /// <param name="shift">s of <c>S(u) = s u / (1 + (s−1) u)</c>.</param>
    public static Schedule Explicit(int steps, double shift) => Explicit(new FlowScheduling { Shift = shift }, steps);

    /// <summary>
    /// What a diffusers pipeline does when it is given no sigmas: a linspace between the ends of the training table, then the shift and whatever else the
    /// scheduler is set to; fp64 up to the final rounding. The table itself has the static shift, not the dynamic one.
    /// </summary>
    /// <param name="scheduling">What the model's scheduler says.</param>
    /// <param name="steps">N.</param>
    /// <exception cref="ArgumentException">Its settings give levels that do not fall strictly from at most 1 to 0.</exception>
    public static Schedule PipelineDefault(FlowScheduling scheduling, int steps)
    {
        ArgumentNullException.ThrowIfNull(scheduling);
        var table = scheduling.TrainingSteps;
        double End(float u) => scheduling.UseDynamicShifting ? u : Shifted(u, scheduling.Shift);
        return Ending([.. Linspace(table * End(1), table * End(1f / table), steps).Select(time => time / table)], scheduling);
    }

    /// <summary><see cref="PipelineDefault(FlowScheduling, int)"/> with a static shift and nothing else.</summary>
    /// <param name="steps">N.</param>
    /// <param name="shift">s.</param>
    /// <param name="trainingSteps">Entries of the training table.</param>
    public static Schedule PipelineDefault(int steps, double shift, int trainingSteps) =>
        PipelineDefault(new FlowScheduling { Shift = shift, TrainingSteps = trainingSteps }, steps);

    /// <summary><c>σ = e^μ / (e^μ + (1/u − 1))</c> on <c>u = linspace(1, 1/N, N)</c>: e^μ in fp64, the rest in fp32.</summary>
    /// <param name="steps">N.</param>
    /// <param name="mu">μ, see <see cref="Mu"/>.</param>
    public static Schedule Dynamic(int steps, double mu) =>
        new(Linspace(1, 1.0 / steps, steps).Select(u => (double)Moved((float)u, Math.Exp(mu))).Append(0));

    /// <summary><c>u = linspace(1, 0, N+1)</c>, <c>σ = S(u)</c> (DanceGRPO).</summary>
    /// <param name="steps">N.</param>
    /// <param name="shift">s.</param>
    public static Schedule Dance(int steps, double shift) =>
        new(Linspace(1, 0, steps + 1).Select(u => (double)Shifted((float)u, shift)));

    /// <summary>μ of the dynamic shift, linear in the number of image tokens.</summary>
    public static double Mu(FlowScheduling scheduling)
    {
        ArgumentNullException.ThrowIfNull(scheduling);
        var slope = (scheduling.MaxShift - scheduling.BaseShift) / (scheduling.MaxImageTokens - scheduling.BaseImageTokens);
        return (slope * scheduling.ImageTokens) + scheduling.BaseShift - (slope * scheduling.BaseImageTokens);
    }

    /// <summary>What the scheduler does with levels, in their own precision until it spaces them anew, which is fp64; the result is rounded to fp32.</summary>
    private static Schedule Ending<T>(T[] levels, FlowScheduling scheduling)
        where T : IFloatingPointIeee754<T>
    {
        var mu = scheduling.UseDynamicShifting ? Mu(scheduling) : 0;
        var moved = scheduling.TimeShift == TimeShift.Linear ? mu : Math.Exp(mu);
        T[] sigmas = [.. levels.Select(u => scheduling.UseDynamicShifting ? Moved(u, moved) : Shifted(u, scheduling.Shift))];
        if (scheduling.TerminalSigma is { } terminal)
        {
            var factor = (T.One - sigmas[^1]) / T.CreateChecked(1 - terminal);
            sigmas = [.. sigmas.Select(sigma => T.One - ((T.One - sigma) / factor))];
        }
        return new(Spaced([.. sigmas.Select(double.CreateChecked)], scheduling).Select(static sigma => (double)(float)sigma).Append(0));
    }

    private static IEnumerable<double> Spaced(double[] sigmas, FlowScheduling scheduling)
    {
        var (first, last, count) = (scheduling.HighestSigma ?? sigmas[0], scheduling.LowestSigma ?? sigmas[^1], sigmas.Length);
        return scheduling.Spacing switch
        {
            SigmaSpacing.Karras => Linspace(0, 1, count).Select(ramp =>
                Math.Pow(Math.Pow(first, 1 / KarrasRho) + (ramp * (Math.Pow(last, 1 / KarrasRho) - Math.Pow(first, 1 / KarrasRho))), KarrasRho)),
            SigmaSpacing.Exponential => Linspace(Math.Log(first), Math.Log(last), count).Select(Math.Exp),
            SigmaSpacing.Beta => Linspace(0, 1, count).Select(ramp => last + (BetaQuantile.Symmetric(1 - ramp, BetaParameter) * (first - last))),
            _ => sigmas,
        };
    }

    private static T Shifted<T>(T u, double shift)
        where T : IFloatingPointIeee754<T>
    {
        var moved = T.CreateChecked(shift) * u / (T.One + (T.CreateChecked(shift - 1) * u));
        // S(1) is 1, which shifts such as 1.88618 miss by rounding: beyond pure noise there is no level.
        return u <= T.One ? T.Min(moved, T.One) : moved;
    }

    private static T Moved<T>(T u, double shift)
        where T : IFloatingPointIeee754<T> => T.CreateChecked(shift) / (T.CreateChecked(shift) + ((T.One / u) - T.One));

    private static IEnumerable<double> Linspace(double first, double last, int count)
    {
        var step = count > 1 ? (last - first) / (count - 1) : 0;
        return Enumerable.Range(0, count).Select(i => i > 0 && i == count - 1 ? last : first + (i * step));
    }
}
