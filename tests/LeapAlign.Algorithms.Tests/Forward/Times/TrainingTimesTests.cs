using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Algorithms.Forward.Nft;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Schedules;
using LeapAlign.Methods.Times;

namespace LeapAlign.Algorithms.Forward.Tests.Times;

public sealed class TrainingTimesTests
{
    [Property(MaxTest = 300)]
    public bool Discrete_times_are_steps_in_the_range_one_in_each_piece(long seed, PositiveInt length, PositiveInt number, PositiveInt percent, bool initial)
    {
        var steps = 2 + (length.Get % 40);
        var (count, to) = (1 + (number.Get % 50), 0.5 + (percent.Get % 51 / 100.0));
        var schedule = Sigmas.Explicit(steps, 3);
        var sampling = new TimeSampling { Count = count, To = to, InitialStep = initial };
        var (first, end) = (initial ? 0 : 1, (int)((steps * to) + 1e-9));
        if (first >= end) return !new TrainingTimes(sampling).Check("x", steps).IsOk;
        int[] drawn = [.. Draw(sampling, seed, schedule).Select(sigmas => schedule.Sigmas.IndexOf(sigmas.Single())).Order()];
        return drawn.Length == count
            && drawn.All(step => first <= step && step < end)
            && drawn.Select((step, piece) => step >= first + ((end - first) * piece / count) && step <= first + ((end - first) * (piece + 1) / count)).All(static inside => inside);
    }

    [Property(MaxTest = 100)]
    public bool All_steps_of_the_range_are_times_when_no_number_is_given(long seed, PositiveInt length, bool perSample)
    {
        var steps = 4 + (length.Get % 40);
        var schedule = Sigmas.Explicit(steps, 3);
        var times = Draw(new TimeSampling { To = 0.99, PerSample = perSample }, seed, schedule, samples: 3);
        var expected = schedule.Sigmas.Take((int)((0.99 * steps) + 1e-9)).Order();
        return Enumerable.Range(0, perSample ? 3 : 1).All(sample => times.Select(sigmas => sigmas[sample]).Order().SequenceEqual(expected))
            && times.All(sigmas => sigmas.Count == (perSample ? 3 : 1));
    }

    [Property(MaxTest = 300)]
    public bool Uniform_times_fall_one_into_each_piece_of_the_range(long seed, PositiveInt number, PositiveInt percent)
    {
        var (count, from, to) = (1 + (number.Get % 20), percent.Get % 40 / 100.0, 0.6 + (percent.Get % 41 / 100.0));
        double[] sigmas = [.. Draw(new TimeSampling { Kind = TimeKind.Uniform, Count = count, From = from, To = to }, seed).Select(static time => time.Single()).Order()];
        var width = (to - from) / count;
        return sigmas.Length == count && sigmas.Select((sigma, piece) => sigma >= 1 - to + (piece * width) - 1e-12 && sigma <= 1 - to + ((piece + 1) * width) + 1e-12).All(static inside => inside);
    }

    [Property(MaxTest = 300)]
    public bool Logit_normal_times_stay_in_the_range_and_off_its_clean_end(long seed, PositiveInt number, int mean, PositiveInt shift)
    {
        var sampling = new TimeSampling { Kind = TimeKind.LogitNormal, Count = 1 + (number.Get % 20), To = 0.9, LogitMean = mean % 4, Shift = 0.1 + (shift.Get % 50 / 10.0) };
        return Draw(sampling, seed).All(static sigmas => sigmas.Single() >= 0.1 + 0.009 - 1e-12 && sigmas.Single() <= 1);
    }

    [Theory]
    [InlineData(0.0, 1.0, 1.0)]
    [InlineData(0.8, 0.6, 1.0)]
    [InlineData(0.0, 1.0, 3.0)]
    public void Quantiles_of_logit_normal_times_are_those_of_a_shifted_logistic_normal(double mean, double deviation, double shift)
    {
        const int count = 1000;
        var sampling = new TimeSampling { Kind = TimeKind.LogitNormal, Count = count, LogitMean = mean, LogitDeviation = deviation, Shift = shift };
        double[] sigmas = [.. Draw(sampling, 3).Select(static time => time.Single()).Order()];
        // Of a normal distribution: 15.87 % lie below −1, half below 0, 84.13 % below 1.
        foreach (var (quantile, z) in new[] { (0.158655, -1), (0.5, 0), (0.841345, 1) })
        {
            var u = 1 / (1 + Math.Exp(-(mean + (deviation * z))));
            Assert.Equal(shift * u / (1 + ((shift - 1) * u)), sigmas[(int)(quantile * count)], 2e-3);
        }
    }

    [Fact]
    public void Times_depend_on_the_key_alone_and_come_in_random_order()
    {
        var sampling = new TimeSampling { Kind = TimeKind.Uniform, Count = 12 };
        Assert.Equal(Draw(sampling, 1).SelectMany(static time => time), Draw(sampling, 1).SelectMany(static time => time));
        Assert.NotEqual(Draw(sampling, 1).SelectMany(static time => time), Draw(sampling, 2).SelectMany(static time => time));
        Assert.Contains(Enumerable.Range(0, 5), seed =>
        {
            double[] sigmas = [.. Draw(sampling, seed).Select(static time => time.Single())];
            return !sigmas.SequenceEqual(sigmas.Order()) && !sigmas.SequenceEqual(sigmas.OrderDescending());
        });
    }

    [Fact]
    public void Samples_with_times_of_their_own_have_different_ones()
    {
        var times = Draw(new TimeSampling { Kind = TimeKind.Uniform, Count = 4, PerSample = true }, 1, samples: 6);
        Assert.Equal(24, times.SelectMany(static sigmas => sigmas).Distinct().Count());
    }

    [Fact]
    public void A_range_without_steps_is_refused()
    {
        var shape = new RunShape(new Schedule([1, 0.7, 0.4, 0]), 4, Group: 2);
        var fault = new NftAlgorithm(new NftSettings { TimeRangeEnd = 0.2 }).Check(shape).Match(static _ => "", static fault => fault.ToString());
        Assert.Contains("'nft'", fault, StringComparison.Ordinal);
        Assert.Contains("0.2", fault, StringComparison.Ordinal);
        Assert.True(new NftAlgorithm(new NftSettings()).Check(shape).IsOk);
    }

    private static IReadOnlyList<IReadOnlyList<double>> Draw(TimeSampling sampling, long seed, Schedule? schedule = null, int samples = 1) =>
        new TrainingTimes(sampling).Draw(RandomKey.OfRun(seed), schedule ?? Sigmas.Explicit(10, 3), samples);
}
