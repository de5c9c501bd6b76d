using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Searching;

namespace LeapAlign.Host.Tests.Searching;

/// <summary>What a search draws, takes and ends by, number for number.</summary>
public sealed class SearchRuleTests
{
    // Uniform in a ball of n dimensions is a direction times the n-th root of a uniform number; of 32 draws the one whose nearest trial is farthest.
    [Fact]
    public void A_covering_point_is_the_farthest_of_32_uniform_draws_of_the_ball_from_everything_tried()
    {
        double[] start = [0.1, 0.2, -0.3];
        var trials = Judged(new SearchForm { Trials = 40, Radius = 0.01 }, static _ => 1, start);
        var round = 0;
        foreach (var trial in trials.Where(static trial => trial.Step == SearchStep.Covering))
        {
            var random = RandomKey.OfRun(0).For("covering", round++).Open();
            List<double[]> drawn = [];
            for (var draw = 0; draw < 32; draw++)
            {
                double[] direction = [random.NextNormal(), random.NextNormal(), random.NextNormal()];
                var reach = 0.1 * Math.Cbrt(random.NextDouble()) / Math.Sqrt(direction.Sum(static x => x * x));
                drawn.Add([.. start.Zip(direction, (x, s) => x + (reach * s))]);
            }
            var expected = drawn.MaxBy(point => trials.Take(trial.Number).Min(other => Distance(point, other.Point)))!;
            Assert.InRange(Distance(expected, trial.Point), 0, 1e-12);
        }
        Assert.True(round > 4);
    }

    [Theory]
    [InlineData(0.5, 2e-7, false)]
    [InlineData(0.5, 3e-7, true)]
    [InlineData(0.001, 5e-10, true)]
    [InlineData(0.001, 9e-13, false)]
    public void A_trial_is_better_where_it_rises_by_a_millionth_of_the_square_of_the_radius(double radius, double rise, bool better)
    {
        var value = 0.0;
        var trials = Judged(new SearchForm { Trials = 2, Radius = radius }, _ => value += rise, [0.0, 0]);
        Assert.Equal(better, trials[1].IsBetter);
    }

    [Theory]
    [InlineData(0.2, 1 + (2 * 5))]
    [InlineData(0.25, 1 + (2 * 5))]
    [InlineData(0.125, 1 + (3 * 5))]
    public void It_ends_where_the_radius_is_below_the_smallest(double smallest, int trials) =>
        Assert.Equal(trials, Judged(new SearchForm { Trials = 1000, Radius = 0.5, Smallest = smallest }, static _ => 1, [0.0, 0]).Count);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    public void It_makes_as_many_trials_as_it_may_also_within_a_round(int trials) => Assert.Equal(trials, Judged(new SearchForm { Trials = trials }, static _ => 1, [0.0, 0, 0]).Count);

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void What_is_no_finite_number_is_not_begun_with_and_not_taken(double value)
    {
        var search = new CoveringSearch(new SearchForm { Trials = 9 }, RandomKey.OfRun(0));
        foreach (var trial in search.Trials([0.0, 0])) trial.Value = value;
        Assert.Null(search.Best);
        var later = Judged(new SearchForm { Trials = 9 }, x => x[0] == 0 && x[1] == 0 ? 1 : value, [0.0, 0]);
        Assert.Equal(9, later.Count);
        Assert.All(later.Skip(1), static trial => Assert.False(trial.IsBetter));
    }

    [Fact]
    public void The_start_is_brought_to_where_points_are_allowed() =>
        Assert.Equal([1.0, 0.5], Judged(new SearchForm { Trials = 1, Within = static point => [.. point.Select(static x => Math.Min(x, 1))] }, static _ => 1, [3.0, 0.5])[0].Point);

    private static List<SearchTrial> Judged(SearchForm form, Func<double[], double> value, double[] start)
    {
        List<SearchTrial> trials = [];
        foreach (var trial in new CoveringSearch(form, RandomKey.OfRun(0)).Trials(start))
        {
            trial.Value = value(trial.Point);
            trials.Add(trial);
        }
        return trials;
    }

    private static double Distance(double[] one, double[] other) => Math.Sqrt(one.Zip(other, static (a, b) => (a - b) * (a - b)).Sum());
}
