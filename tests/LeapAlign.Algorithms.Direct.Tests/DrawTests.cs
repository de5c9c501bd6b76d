using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Algorithms.Direct.Tests;

public sealed class DrawTests
{
    [Property(MaxTest = 500)]
    public bool Refl_trains_one_of_the_last_steps(long seed, PositiveInt steps, PositiveInt last)
    {
        var (count, window) = (1 + (steps.Get % 60), 1 + (last.Get % 80));
        var drawn = new ReflSettings { LastSteps = window }.DrawStep(RandomKey.OfRun(seed), count);
        return drawn >= Math.Max(0, count - window) && drawn < count;
    }

    [Fact]
    public void Refl_draws_each_of_them()
    {
        var settings = new ReflSettings { LastSteps = 4 };
        Assert.Equal([6, 7, 8, 9], Enumerable.Range(0, 200).Select(seed => settings.DrawStep(RandomKey.OfRun(seed), 10)).Distinct().Order());
    }

    [Property(MaxTest = 500)]
    public bool Drtune_trains_equally_spaced_steps_of_what_it_runs(long seed, PositiveInt steps, PositiveInt trained, PositiveInt percent)
    {
        var settings = new DrtuneSettings { TrainedSteps = 1 + (trained.Get % 12), EarlyStopRatio = percent.Get % 101 / 100.0 };
        var count = 1 + (steps.Get % 60);
        var (stop, set) = settings.Draw(RandomKey.OfRun(seed), count);
        var latest = (int)Math.Round(settings.EarlyStopRatio * count, MidpointRounding.ToEven);
        var stops = latest == 0 ? stop == count - 1 : stop >= count - latest && stop < count;
        var strides = set.Zip(set.Skip(1), static (left, right) => right - left).Distinct().ToList();
        return stops && set.Count == Math.Min(settings.TrainedSteps, stop + 1) && set.All(step => step >= 0 && step <= stop) && strides.Count <= 1 && strides.All(static stride => stride >= 1);
    }

    [Fact]
    public void Drtune_takes_a_number_of_stops_in_place_of_the_ratio()
    {
        var settings = new DrtuneSettings { EarlyStopSteps = 2 };
        Assert.Equal([8, 9], Enumerable.Range(0, 100).Select(seed => settings.Draw(RandomKey.OfRun(seed), 10).Stop).Distinct().Order());
    }

    [Theory]
    [InlineData(9, 0, false, false)]
    [InlineData(8, 0, true, true)]
    [InlineData(2, 2, false, false)]
    [InlineData(1, 2, true, false)]
    [InlineData(1, 2, false, true)]
    public void Draft_is_checked_before_the_run(int gradientSteps, int reNoised, bool checkpoint, bool fits) => Assert.Equal(
        fits,
        new DraftAlgorithm(new DraftSettings { GradientSteps = gradientSteps, ReNoised = reNoised, Checkpoint = checkpoint }, DraftAlgorithm.DrawNoise)
            .Check(new RunShape(new Schedule([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2, 0]), 4)).IsOk);
}
