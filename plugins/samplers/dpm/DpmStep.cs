using LeapAlign.Contracts.Flow;

namespace LeapAlign.Samplers.Dpm;

/// <summary>
/// The numbers of a step from σ = s to t: <c>x_t = State x_s + Data m_0 + Difference (m_0 − m_1) + Noise z</c>, m being predictions of the data.
/// <para>
/// With <c>α = 1 − σ</c>, <c>λ = ln α − ln σ</c>, <c>h = λ_t − λ_s</c>: <c>ρ = η t √(1 − e^{−2h})</c> of the noise is new, <c>κ = √(t² − ρ²)</c> is kept, and the
/// DDIM form <c>α_t m_0 + κ ε̂ + ρ z</c> with <c>ε̂ = (x_s − α_s m_0)/s</c> gives the rest. η = 0 is the ODE, <c>(t/s) x_s − α_t (e^{−h} − 1) m_0</c>; η = 1 the SDE. In
/// terms of σ there is no pole at either end.
/// </para>
/// </summary>
/// <param name="State">κ/s.</param>
/// <param name="Data">α_t − κ α_s/s.</param>
/// <param name="Difference">½ Data h/h_0 in the second order, where h_0 is the length of the step before; otherwise 0.</param>
/// <param name="Noise">ρ.</param>
internal readonly record struct DpmStep(double State, double Data, double Difference, double Noise)
{
    private const int FewSteps = 15;

    /// <summary>The numbers of a step of a schedule.</summary>
    /// <param name="schedule">The noise levels.</param>
    /// <param name="step">i, from σ_i to σ_{i+1}.</param>
    /// <param name="eta">η; 0 for a step without noise.</param>
    /// <param name="secondOrder">Whether there is a prediction of step i − 1 to use.</param>
    public static DpmStep Of(Schedule schedule, int step, double eta, bool secondOrder)
    {
        var (from, to) = (schedule.Sigma(step), schedule.Sigma(step + 1));
        // e^{−h} = (α_s/s)(t/α_t).
        var decay = (1 - from) * to / (from * (1 - to));
        var noise = eta * to * Math.Sqrt(1 - (decay * decay));
        var kept = Math.Sqrt((to * to) - (noise * noise));
        var data = 1 - to - (kept * (1 - from) / from);
        return new DpmStep(kept / from, data, secondOrder ? 0.5 * data / Ratio(schedule, step) : 0, noise);
    }

    /// <summary>
    /// Whether a step may be of second order at all: not the last, where λ ends at infinity, nor the one before it in short schedules, where the step is long.
    /// </summary>
    public static bool MayBeSecondOrder(Schedule schedule, int step) =>
        step + 1 < schedule.Steps && (schedule.Steps >= FewSteps || step + 2 < schedule.Steps);

    /// <summary>r_0 = h_0/h. It is infinite when the step before began at σ = 1, from which nothing can be extrapolated.</summary>
    private static double Ratio(Schedule schedule, int step)
    {
        var here = Lambda(schedule.Sigma(step));
        return (here - Lambda(schedule.Sigma(step - 1))) / (Lambda(schedule.Sigma(step + 1)) - here);
    }

    private static double Lambda(double sigma) => Math.Log(1 - sigma) - Math.Log(sigma);
}
