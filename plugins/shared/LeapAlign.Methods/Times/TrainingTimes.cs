using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Methods.Times;

/// <summary>
/// Draws the noise levels at which a clean sample is trained. All kinds are stratified: the range is cut into T pieces with one time in each, so that a
/// sample is trained over all of it. Their order is random.
/// </summary>
/// <param name="sampling">The distribution, how many, and the range.</param>
public sealed class TrainingTimes(TimeSampling sampling)
{
    /// <summary>Logit-normal times keep this much of the range's noise: a time at the data itself teaches nothing.</summary>
    private const double LeastNoise = 0.01;

    /// <summary>T for a rollout of N steps.</summary>
    public int Count(int steps)
    {
        if (sampling.Count is { } count) return count;
        var (first, end) = Window(steps);
        return Math.Max(0, end - first);
    }

    /// <summary>Says whether a rollout of N steps leaves times to draw.</summary>
    /// <param name="algorithm">For whose message.</param>
    /// <param name="steps">N.</param>
    public Result<Unit> Check(string algorithm, int steps)
    {
        var (first, end) = Window(steps);
        if (sampling.Kind == TimeKind.Discrete || sampling.Count is null ? first < end : sampling.From < sampling.To) return Unit.Value;
        return new Fault.Composition(
            FaultCodes.SettingsDoNotFit,
            FormattableString.Invariant($"'{algorithm}' trains at times between the fractions {sampling.From} and {sampling.To} of the sampler's {steps} steps, and there are none; widen timeRangeStart and timeRangeEnd or take more steps"));
    }

    /// <summary>Draws the times of a micro-batch.</summary>
    /// <param name="key">The same key gives the same times.</param>
    /// <param name="schedule">The noise levels of the rollout.</param>
    /// <param name="samples">B.</param>
    /// <returns>T lists, each of one σ for all samples or of B.</returns>
    public IReadOnlyList<IReadOnlyList<double>> Draw(RandomKey key, Schedule schedule, int samples)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(schedule);
        if (!sampling.PerSample) return [.. Stratified(key, schedule).Select(static sigma => (IReadOnlyList<double>)[sigma])];
        return DrawEach([.. Enumerable.Range(0, samples).Select(sample => key.For("sample", sample))], schedule);
    }

    /// <summary>Draws times for samples that have keys of their own, whichever micro-batch they are in.</summary>
    /// <param name="keys">B keys.</param>
    /// <param name="schedule">The noise levels of the rollout.</param>
    /// <returns>T lists of B σ.</returns>
    public IReadOnlyList<IReadOnlyList<double>> DrawEach(IReadOnlyList<RandomKey> keys, Schedule schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        double[][] own = [.. keys.Select(key => Stratified(key, schedule))];
        return [.. Enumerable.Range(0, Count(schedule.Steps)).Select(time => (IReadOnlyList<double>)[.. own.Select(times => times[time])])];
    }

    private double[] Stratified(RandomKey key, Schedule schedule)
    {
        var random = key.Open();
        var count = Count(schedule.Steps);
        double[] places = [.. Enumerable.Range(0, count).Select(_ => random.NextDouble())];
        var sigmas = sampling.Kind switch
        {
            TimeKind.Discrete => Steps(places, schedule.Steps).Select(schedule.Sigma),
            TimeKind.Uniform => places.Select((place, piece) => Level((count - piece - place) / count)),
            _ => LogitNormal([.. places.Select((place, piece) => (piece + place) / count)]).Select(Level),
        };
        return random.Shuffle(sigmas);
    }

    private IEnumerable<int> Steps(double[] places, int steps)
    {
        var (first, end) = Window(steps);
        return places.Select((place, piece) =>
        {
            var (low, high) = (Boundary(piece), Boundary(piece + 1));
            return low + (int)(place * (high - low));
        });

        int Boundary(int piece) => first + (int)((long)(end - first) * piece / places.Length);
    }

    private IEnumerable<double> LogitNormal(double[] quantiles)
    {
        using var scope = NewDisposeScope();
        // The inverse of the normal distribution, √2 erf⁻¹(2u − 1), finite at the ends of its range.
        var normal = tensor([.. quantiles.Select(static u => (2 * Math.Clamp(u, 1e-6, 1 - 1e-6)) - 1)], dtype: ScalarType.Float64).erfinv().data<double>().ToArray();
        return normal.Select(z =>
        {
            var u = 1 / (1 + Math.Exp(-(sampling.LogitMean + (sampling.LogitDeviation * Math.Sqrt(2) * z))));
            return Math.Max(LeastNoise, sampling.Shift * u / (1 + ((sampling.Shift - 1) * u)));
        });
    }

    /// <summary>σ of a fraction of the range, 0 being its clean end.</summary>
    private double Level(double fraction) => 1 - sampling.To + (fraction * (sampling.To - sampling.From));

    private (int First, int End) Window(int steps)
    {
        // Against products such as 0.29 · 100 = 28.999…
        const double rounding = 1e-9;
        return (Math.Max((int)((steps * sampling.From) + rounding), sampling.InitialStep ? 0 : 1), (int)((steps * sampling.To) + rounding));
    }
}
