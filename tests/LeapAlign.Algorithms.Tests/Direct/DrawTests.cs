using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>What is drawn, for any schedule and settings.</summary>
public sealed class DrawTests
{
    [Property(MaxTest = 300)]
    public bool Refl_draws_from_the_last_R_steps(PositiveInt steps, PositiveInt last, int seed)
    {
        var drawn = ReflAlgorithm.Draw(new ReflSettings { LastSteps = last.Get }, RandomKey.OfRun(seed), steps.Get);
        return drawn < steps.Get && drawn >= Math.Max(0, steps.Get - last.Get);
    }

    [Fact]
    public void Refl_draws_each_of_the_last_R_steps_equally_often()
    {
        const int draws = 6000, window = 5, steps = 12;
        var counts = Draws(draws).CountBy(static key => ReflAlgorithm.Draw(new ReflSettings { LastSteps = window }, key, steps)).OrderBy(static count => count.Key).ToList();
        Assert.Equal(Enumerable.Range(steps - window, window), counts.Select(static count => count.Key));
        // Five standard deviations of a binomial count.
        Assert.All(counts, static count => Assert.InRange(count.Value, (draws / window) - 155, (draws / window) + 155));
    }

    [Property(MaxTest = 300)]
    public bool Drtune_trains_equally_spaced_steps_of_those_executed(PositiveInt number, PositiveInt trained, NonNegativeInt percent, int seed)
    {
        var steps = number.Get;
        var settings = new DrtuneSettings { TrainedSteps = trained.Get, EarlyStopRatio = percent.Get % 101 / 100.0 };
        var choice = DrtuneSteps.Draw(settings, RandomKey.OfRun(seed), steps);
        var (length, latest) = (choice.Stop + 1, (int)Math.Round(settings.EarlyStopRatio * steps, MidpointRounding.ToEven));
        var stride = Math.Max(1, length / trained.Get);
        return choice.Stop < steps && choice.Stop >= Math.Min(steps - 1, steps - latest)
            && choice.Trained.Count == Math.Min(trained.Get, length)
            && choice.Trained[0] >= 0 && choice.Trained[^1] <= choice.Stop
            && choice.Trained.Zip(choice.Trained.Skip(1)).All(pair => pair.Second - pair.First == stride);
    }

    [Fact]
    public void Drtune_reaches_every_stop_and_every_start()
    {
        var settings = new DrtuneSettings { TrainedSteps = 3, EarlyStopSteps = 4 };
        var choices = Draws(3000).Select(key => DrtuneSteps.Draw(settings, key, 11)).ToList();
        Assert.Equal([7, 8, 9, 10], choices.Select(static choice => choice.Stop).Distinct().Order());
        foreach (var group in choices.GroupBy(static choice => choice.Stop))
        {
            var stride = (group.Key + 1) / 3;
            Assert.Equal(Enumerable.Range(0, group.Key + 1 - (2 * stride)), group.Select(static choice => choice.Trained[0]).Distinct().Order());
        }
    }

    [Fact]
    public void Drtune_without_an_early_stop_goes_to_the_last_step()
    {
        foreach (var settings in new[] { new DrtuneSettings { EarlyStopRatio = 0 }, new DrtuneSettings { EarlyStopSteps = 0 }, new DrtuneSettings { EarlyStopSteps = 1 } })
            Assert.All(Draws(50), key => Assert.Equal(9, DrtuneSteps.Draw(settings, key, 10).Stop));
        Assert.Contains(Draws(200), static key => DrtuneSteps.Draw(new DrtuneSettings { EarlyStopSteps = 100 }, key, 10).Stop == 0);
    }

    [Theory]
    [InlineData(25, 10)]
    [InlineData(5, 2)]
    [InlineData(10, 4)]
    public void Drtune_stops_within_the_published_share_of_the_steps(int steps, int latest) =>
        Assert.Equal(steps - latest, Draws(2000).Min(key => DrtuneSteps.Draw(new DrtuneSettings(), key, steps).Stop));

    [Fact]
    public void Halves_round_to_even() =>
        Assert.Equal(3, Draws(500).Min(static key => DrtuneSteps.Draw(new DrtuneSettings { EarlyStopRatio = 0.5 }, key, 5).Stop));

    private static IEnumerable<RandomKey> Draws(int count) => Enumerable.Range(0, count).Select(static index => RandomKey.OfRun(3).For("draw", index));
}
