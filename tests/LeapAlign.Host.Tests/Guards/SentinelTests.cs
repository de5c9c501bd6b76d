using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Guards;

public sealed class SentinelTests
{
    private static readonly double[] s_pictures = [.. Enumerable.Range(0, 40).Select(static i => 0.1 * Math.Sin(i))];

    [Fact]
    public void It_stops_after_its_patience_when_one_rises_and_the_other_falls()
    {
        var sentinel = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 2 }, Rewards());
        Assert.Equal(
            [false, false, false, true],
            ((double, double)[])[(0.5, 0.5), (0.6, 0.6), (0.7, 0.5), (0.8, 0.45)] is var path ? path.Select((values, step) => sentinel.Look(Report(step, values.Item1, values.Item2)).Stops) : []);
    }

    [Fact]
    public void An_evaluation_that_shows_nothing_begins_the_row_anew()
    {
        var sentinel = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 2 }, Rewards());
        foreach (var (step, trained, judge) in new[] { (0, 0.5, 0.5), (1, 0.6, 0.4), (2, 0.6, 0.5), (3, 0.7, 0.4) })
            Assert.False(sentinel.Look(Report(step, trained, judge)).Stops);
        Assert.True(sentinel.Look(Report(4, 0.8, 0.4)).Stops);
    }

    [Fact]
    public void The_noise_is_the_standard_error_of_the_difference_picture_by_picture()
    {
        // Differences of -1, -2 and -3: mean -2, variance 2 / (3 - 1), standard error sqrt(1 / 3), so that the fall is 2 / 0.57735 = 3.4641 times the noise.
        foreach (var (noise, stops) in new[] { (3.46, true), (3.47, false) })
        {
            var sentinel = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 1, Noise = noise }, Rewards());
            sentinel.Look(Of(0, 0.5, [5, 6, 7]));
            Assert.Equal(stops, sentinel.Look(Of(1, 0.6, [4, 4, 4])).Stops);
        }

        static EvaluationReport Of(int step, double trained, IReadOnlyList<double> judge) => Report(step, trained, judge.Average()) with
        {
            Scores = new Dictionary<string, IReadOnlyList<double>> { ["reward"] = [trained, trained, trained], ["judge"] = judge },
        };
    }

    [Theory]
    [InlineData("warn", 1, false)]
    [InlineData("off", 0, false)]
    [InlineData("stop", 1, true)]
    public void It_warns_stops_or_does_not_look(string mode, int warnings, bool stops)
    {
        var sentinel = new Sentinel(new SentinelSettings { Mode = mode, Patience = 1 }, Rewards());
        sentinel.Look(Report(0, 0.5, 0.5));
        var finding = sentinel.Look(Report(5, 0.6, 0.4));
        Assert.Equal((warnings, stops), (finding.Warnings.Count, finding.Stops));
        if (warnings > 0) Assert.Contains("'judge' is 0.1 below its best at step 0", finding.Warnings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fall_within_the_noise_of_the_pictures_is_none_and_a_common_fall_is_no_gaming()
    {
        var sentinel = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 1 }, Rewards());
        sentinel.Look(Report(0, 0.5, 0.5));
        // The same mean fall, once the same on every picture and once all over the place.
        Assert.False(sentinel.Look(Report(1, 0.6, 0.49, noise: 0.2)).Stops);
        Assert.False(sentinel.Look(Report(2, 0.4, 0.3)).Stops);
        Assert.True(sentinel.Look(Report(3, 0.6, 0.49)).Stops);
    }

    [Theory]
    [InlineData(double.NaN, 0)]
    [InlineData(double.PositiveInfinity, 0)]
    [InlineData(double.NegativeInfinity, 1)]
    public void What_is_not_finite_is_not_looked_at_and_what_is_remembered_stays(double bad, int which)
    {
        var sentinel = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 2 }, Rewards());
        Assert.False(sentinel.Look(Report(0, 0.5, 0.5)).Stops);
        Assert.False(sentinel.Look(Report(1, 0.6, 0.4)).Stops);
        var (best, row) = (sentinel.State.Peaks["judge"], sentinel.State.InARow);
        foreach (var step in (int[])[2, 3])
        {
            var report = Report(step, 0.7, 0.9);
            var name = which == 0 ? "judge" : "reward";
            Assert.False(sentinel.Look(report with { Scores = report.Scores.ToDictionary(static pair => pair.Key, pair => pair.Key == name ? [bad, .. pair.Value.Skip(1)] : pair.Value) }).Stops);
            Assert.Equal((best, row), (sentinel.State.Peaks["judge"], sentinel.State.InARow));
        }
        Assert.True(sentinel.Look(Report(4, 0.7, 0.4)).Stops);
        Assert.True(sentinel.Stops);
    }

    [Fact]
    public void Measures_that_are_not_finite_are_no_base()
    {
        var sentinel = new Sentinel(new SentinelSettings(), Rewards());
        sentinel.Look(Report(0, 0.5, 0.5) with { Measures = new Dictionary<string, IReadOnlyList<double>> { [PictureMeasureNames.Clipped] = [double.NaN] } });
        Assert.Empty(sentinel.State.Base);
    }

    [Fact]
    public void Evaluations_of_other_numbers_of_pictures_are_not_compared()
    {
        var sentinel = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 1 }, Rewards());
        sentinel.Look(Report(0, 0.5, 0.5));
        var other = Report(1, 0.6, 0.4);
        other = other with { Scores = other.Scores.ToDictionary(static pair => pair.Key, static pair => (IReadOnlyList<double>)[.. pair.Value.Take(7)]) };
        Assert.False(sentinel.Look(other).Stops);
        Assert.Equal(7, sentinel.State.Peaks["judge"].Scores.Count);
    }

    [Fact]
    public void What_it_found_is_found_again_by_a_run_that_goes_on()
    {
        var first = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 1 }, Rewards());
        first.Look(Report(0, 0.5, 0.5));
        Assert.False(first.Stops);
        Assert.True(first.Look(Report(1, 0.6, 0.4)).Stops);
        var second = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 1 }, Rewards());
        second.Resume(first.State);
        Assert.True(second.Stops);
        var warned = new Sentinel(new SentinelSettings { Mode = "warn", Patience = 1 }, Rewards());
        warned.Resume(first.State);
        Assert.False(warned.Stops);
    }

    [Fact]
    public void Its_memory_is_part_of_the_run()
    {
        var first = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 2 }, Rewards());
        foreach (var (step, trained, judge) in new[] { (0, 0.5, 0.5), (1, 0.6, 0.4) }) first.Look(Report(step, trained, judge));
        var second = new Sentinel(new SentinelSettings { Mode = "stop", Patience = 2 }, Rewards());
        second.Resume(first.State);
        Assert.True(second.Look(Report(2, 0.7, 0.4)).Stops);
    }

    [Fact]
    public void Pictures_that_drift_from_those_before_training_are_warned_of()
    {
        var sentinel = new Sentinel(new SentinelSettings(), Rewards());
        sentinel.Look(Report(0, 0.5, 0.5) with { Measures = Measures(0.1, 0.4) });
        Assert.Empty(sentinel.Look(Report(1, 0.5, 0.5) with { Measures = Measures(0.14, 0.3) }).Warnings);
        var warnings = sentinel.Look(Report(2, 0.5, 0.5) with { Measures = Measures(0.2, 0.2) }).Warnings;
        Assert.Equal([PictureMeasureNames.Clipped, PictureMeasureNames.Diversity], warnings.Select(static warning => ((string[])[PictureMeasureNames.Clipped, PictureMeasureNames.Diversity]).Single(name => warning.Message.Contains(name, StringComparison.Ordinal))));
        Assert.All(warnings, static warning => Assert.Equal(FaultCodes.PicturesDrift, warning.Code));
    }

    [Fact]
    public void Measures_of_other_numbers_of_pictures_are_not_compared()
    {
        var sentinel = new Sentinel(new SentinelSettings(), Rewards());
        sentinel.Look(Report(0, 0.5, 0.5) with { Measures = Measures(0.1, 0.4) });
        var drifted = Report(1, 0.5, 0.5) with { Measures = Measures(0.2, 0.2) };
        var fewer = drifted with { Measures = drifted.Measures.ToDictionary(static pair => pair.Key, static pair => (IReadOnlyList<double>)[.. pair.Value.Skip(1)]) };
        Assert.Empty(sentinel.Look(fewer).Warnings);
        Assert.Equal(2, sentinel.Look(drifted).Warnings.Count);
    }

    private static Dictionary<string, IReadOnlyList<double>> Measures(double clipped, double diversity) => new()
    {
        [PictureMeasureNames.Clipped] = [.. s_pictures.Select(value => clipped + (value / 10))],
        [PictureMeasureNames.Diversity] = [.. s_pictures.Select(value => diversity + (value / 10))],
    };

    private static EvaluationReport Report(int step, double trained, double judge, double noise = 0) => new()
    {
        Step = step,
        Rewards = new Dictionary<string, double> { ["reward"] = trained, ["judge"] = judge },
        Tasks = new Dictionary<string, IReadOnlyDictionary<string, double>>(),
        Scores = new Dictionary<string, IReadOnlyList<double>>
        {
            ["reward"] = [.. s_pictures.Select(value => trained + value)],
            ["judge"] = [.. s_pictures.Select((value, i) => judge + value + (i % 2 == 0 ? noise : -noise))],
        },
        Images = s_pictures.Length,
        Seconds = 1,
        Samples = [],
    };

    private static RewardPlan[] Rewards()
    {
        static RewardPlan Reward(string name, RewardRole role) => new(new PartPlan(null!, new object(), name, new SourcePlace("test")), role, 1);
        return [Reward("reward", RewardRole.Train), Reward("judge", RewardRole.HeldOut)];
    }
}
