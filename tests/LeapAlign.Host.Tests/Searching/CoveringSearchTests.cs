using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Searching;

namespace LeapAlign.Host.Tests.Searching;

/// <summary>The trials of a search, and the golden values of an attack.</summary>
public sealed class CoveringSearchTests
{
    private static readonly double[] s_point = [0.4, -0.6];

    // Φ = tanh(W x), f = y₁ − y₂².
    private static readonly double[][] s_matrix = [[0.5, -0.3], [0.2, 0.8]];

    [Fact]
    public void An_attack_goes_along_the_slope_of_what_is_searched_for()
    {
        Assert.Equal(0.218346254, Value(s_point), 1e-9);
        var slope = Slope(s_point);
        Close([0.564261274, 0.259625522], slope);
        Close([0.490845051, -0.558200757], new DirectionalAttack(Slope, AttackNorm.Euclidean, [1]).Points(s_point, 0.1).Single());
        Close([0.5, -0.5], new DirectionalAttack(Slope, AttackNorm.Largest, [1]).Points(s_point, 0.1).Single());
        // Four radii first, then one.
        Assert.Equal([0.4, 0.1], new DirectionalAttack(Slope).Points(s_point, 0.1).Select(static point => Math.Sqrt(point.Zip(s_point, static (a, b) => (a - b) * (a - b)).Sum())), static (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Empty(new DirectionalAttack(static _ => [0, 0]).Points(s_point, 0.1));
    }

    [Fact]
    public void On_a_linear_function_the_attack_is_steepest_ascent_and_nothing_else_is_tried()
    {
        var form = new SearchForm { Trials = 6, Radius = 0.25, Attack = new DirectionalAttack(static _ => [3, 4]) };
        var trials = Judged(form, static x => (3 * x[0]) + (4 * x[1]), [0, 0]);
        Assert.All(trials.Skip(1), static trial => Assert.Equal(SearchStep.Attack, trial.Step));
        // d = ¼, and 4 d = 1 along (0.6, 0.8); then d doubles up to 1.
        Close([0.6, 0.8], trials[1].Point);
        Close([0.6 + (2 * 0.6), 0.8 + (2 * 0.8)], trials[2].Point);
        Assert.Equal([0.25, 0.25, 0.5, 1, 1, 1], trials.Select(static trial => trial.Radius));
    }

    [Fact]
    public void Without_a_slope_a_round_covers_and_polls_every_direction_of_a_basis_and_halves_the_radius()
    {
        var form = new SearchForm { Trials = 15, Radius = 0.5, Attack = new DirectionalAttack(static _ => [0, 0, 0]) };
        var trials = Judged(form, static _ => 1, [0, 0, 0]);
        Assert.Equal([SearchStep.Start, .. Round(), .. Round()], trials.Select(static trial => trial.Step));
        Assert.Equal([.. Enumerable.Repeat(0.5, 8), .. Enumerable.Repeat(0.25, 7)], trials.Select(static trial => trial.Radius));
        Assert.All(trials.Skip(1), static trial => Assert.False(trial.IsBetter));
        foreach (var (round, radius) in new[] { (trials[2..8], 0.5), (trials[9..15], 0.25) })
        {
            for (var one = 0; one < 3; one++)
            {
                Close([.. round[one].Point.Select(static x => -x)], round[one + 3].Point);
                for (var other = 0; other < 3; other++) Assert.Equal(one == other ? radius * radius : 0, round[one].Point.Zip(round[other].Point, static (a, b) => a * b).Sum(), 1e-12);
            }
        }
        Assert.InRange(Length(trials[1].Point), 0.01, CoveringSearch.Reach);
        Assert.NotEqual(trials[2].Point, [.. trials[9].Point.Select(static x => 2 * x)]);

        static IEnumerable<SearchStep> Round() => [SearchStep.Covering, .. Enumerable.Repeat(SearchStep.Poll, 6)];
    }

    [Fact]
    public void The_covering_point_is_far_from_everything_tried()
    {
        var trials = Judged(new SearchForm { Trials = 60, Radius = 1e-5, Smallest = 1e-12 }, static x => -(x[0] * x[0]) - (x[1] * x[1]), [0, 0]);
        var covering = trials.Where(static trial => trial.Step == SearchStep.Covering).ToList();
        Assert.True(covering.Count > 8);
        var nearest = covering.Skip(1).Select((trial, place) => covering.Take(place + 1).Min(other => Length([.. trial.Point.Zip(other.Point, static (a, b) => a - b)]))).ToList();
        // Uniform draws would come this near each other within a few.
        Assert.All(nearest.Take(6), static distance => Assert.True(distance > 0.03, $"{distance}"));
    }

    [Fact]
    public void The_same_values_give_the_same_trials_and_a_rise_has_to_be_one()
    {
        var form = new SearchForm { Trials = 120, Radius = 0.25, Smallest = 1e-4, Within = static point => [.. point.Select(static x => Math.Clamp(x, 0, 1))] };
        static double Hill(double[] x) => -Math.Pow(x[0] - 0.9, 2) - Math.Pow(x[1] - 0.2, 2) - (0.1 * Math.Sin(30 * x[0]));
        var (one, other) = (Judged(form, Hill, [0.5, 0.5]), Judged(form, Hill, [0.5, 0.5]));
        Assert.Equal(one.Select(static trial => (trial.Step, trial.Value)), other.Select(static trial => (trial.Step, trial.Value)));
        Assert.All(one, static trial => Assert.All(trial.Point, static x => Assert.InRange(x, 0, 1)));
        Assert.Equal(one.Count, one.Select(static trial => string.Join(' ', trial.Point)).Distinct().Count());
        var better = one.Where(static trial => trial.IsBetter).ToList();
        foreach (var (before, after) in better.Zip(better.Skip(1))) Assert.True(after.Value > before.Value + (1e-6 * after.Radius * after.Radius));
        var best = better[^1].Point;
        Assert.True(Hill(best) > -0.01, $"{Hill(best)} at {string.Join(' ', best)}");
        Assert.NotEqual(one.Select(static trial => trial.Value), Judged(form, Hill, [0.5, 0.5], seed: 1).Select(static trial => trial.Value));
    }

    [Fact]
    public void What_is_not_allowed_or_no_number_is_never_taken()
    {
        static double Height(double[] x) => x[0] > 0.35 ? double.NaN : x[0];
        var search = new CoveringSearch(new SearchForm { Trials = 80, Radius = 0.25, Smallest = 1e-3 }, RandomKey.OfRun(0));
        foreach (var trial in search.Trials([0.0, 0]))
        {
            trial.Value = Height(trial.Point);
            trial.IsAllowed = trial.Point[0] <= 0.3;
        }
        Assert.InRange(search.Best!.Value, 0.25, 0.3);
        var nowhere = new CoveringSearch(new SearchForm(), RandomKey.OfRun(0));
        foreach (var trial in nowhere.Trials([0.0])) trial.IsAllowed = false;
        Assert.Null(nowhere.Best);
    }

    private static List<SearchTrial> Judged(SearchForm form, Func<double[], double> value, double[] start, long seed = 0)
    {
        List<SearchTrial> trials = [];
        foreach (var trial in new CoveringSearch(form, RandomKey.OfRun(seed)).Trials(start))
        {
            trial.Value = value(trial.Point);
            trials.Add(trial);
        }
        return trials;
    }

    private static double[] Outputs(double[] x) => [.. s_matrix.Select(row => Math.Tanh(row.Zip(x, static (w, value) => w * value).Sum()))];

    private static double Value(double[] x) => Outputs(x) is [var first, var second] ? first - (second * second) : double.NaN;

    // J_Φᵀ ∇f.
    private static double[] Slope(double[] x)
    {
        var y = Outputs(x);
        double[] outer = [1 - (y[0] * y[0]), -2 * y[1] * (1 - (y[1] * y[1]))];
        return [.. Enumerable.Range(0, 2).Select(i => (outer[0] * s_matrix[0][i]) + (outer[1] * s_matrix[1][i]))];
    }

    private static double Length(double[] x) => Math.Sqrt(x.Sum(static value => value * value));

    private static void Close(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        foreach (var (one, other) in expected.Zip(actual)) Assert.Equal(one, other, 1e-9);
    }
}
