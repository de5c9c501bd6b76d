using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;

namespace LeapAlign.Methods.Schedules;

/// <summary>
/// The schedules in use for rectified flows. Each follows its reference's order of rounding (fp64 until a point, fp32 from there on), so that the noise
/// levels agree to the bit.
/// </summary>
public static class Sigmas
{
    /// <summary><c>u_i = linspace(1, 1/N, N)</c> in fp64, rounded to fp32, then <c>S(u)</c> in fp32; 0 at the end.</summary>
    /// <param name="steps">N.</param>
    /// <param name="shift">s of <c>S(u) = s u / (1 + (s−1) u)</c>.</param>
    public static Schedule Explicit(int steps, double shift) =>
        Ending(Linspace(1, 1.0 / steps, steps).Select(u => (double)Shifted((float)u, (float)shift, (float)(shift - 1))));

    /// <summary>
    /// What a diffusers pipeline does when it is given no sigmas: a linspace between the ends of the shifted training table, shifted again; fp64 up to
    /// the final rounding.
    /// </summary>
    /// <param name="steps">N.</param>
    /// <param name="shift">s.</param>
    /// <param name="trainingSteps">Entries of the training table.</param>
    public static Schedule PipelineDefault(int steps, double shift, int trainingSteps)
    {
        var lowest = (double)Shifted(1f / trainingSteps, (float)shift, (float)(shift - 1));
        return Ending(Linspace(trainingSteps, trainingSteps * lowest, steps).Select(time =>
        {
            var u = time / trainingSteps;
            return (double)(float)(shift * u / (1 + ((shift - 1) * u)));
        }));
    }

    /// <summary><c>σ = e^μ / (e^μ + (1/u − 1))</c> on <c>u = linspace(1, 1/N, N)</c>: e^μ in fp64, the rest in fp32.</summary>
    /// <param name="steps">N.</param>
    /// <param name="mu">μ, see <see cref="Mu"/>.</param>
    public static Schedule Dynamic(int steps, double mu)
    {
        var shift = (float)Math.Exp(mu);
        return Ending(Linspace(1, 1.0 / steps, steps).Select(u => (double)(shift / (shift + ((1f / (float)u) - 1f)))));
    }

    /// <summary><c>u = linspace(1, 0, N+1)</c>, <c>σ = S(u)</c> (DanceGRPO).</summary>
    /// <param name="steps">N.</param>
    /// <param name="shift">s.</param>
    public static Schedule Dance(int steps, double shift) =>
        new(Linspace(1, 0, steps + 1).Select(u => (double)Shifted((float)u, (float)shift, (float)(shift - 1))));

    /// <summary>μ of the dynamic shift, linear in the number of image tokens.</summary>
    public static double Mu(FlowScheduling scheduling)
    {
        ArgumentNullException.ThrowIfNull(scheduling);
        var slope = (scheduling.MaxShift - scheduling.BaseShift) / (scheduling.MaxImageTokens - scheduling.BaseImageTokens);
        return (slope * scheduling.ImageTokens) + scheduling.BaseShift - (slope * scheduling.BaseImageTokens);
    }

    private static float Shifted(float u, float shift, float shiftLessOne) => shift * u / (1f + (shiftLessOne * u));

    private static IEnumerable<double> Linspace(double first, double last, int count)
    {
        var step = count > 1 ? (last - first) / (count - 1) : 0;
        return Enumerable.Range(0, count).Select(i => i > 0 && i == count - 1 ? last : first + (i * step));
    }

    private static Schedule Ending(IEnumerable<double> sigmas) => new(sigmas.Append(0));
}
