using LeapAlign.Contracts.Randomness;

namespace LeapAlign.Host.Searching;

/// <summary>Where a trial comes from.</summary>
internal enum SearchStep
{
    /// <summary>The point that the search begins with.</summary>
    Start,

    /// <summary>Along a slope.</summary>
    Attack,

    /// <summary>The place of a ball around the best point that is farthest from everything tried.</summary>
    Covering,

    /// <summary>Along a direction of a random basis.</summary>
    Poll,
}

/// <summary>A point to be judged. Whoever asks for it gives it a value before the next one is asked for.</summary>
/// <param name="number">Its number, from 0.</param>
/// <param name="point">x.</param>
/// <param name="step">Where it comes from.</param>
/// <param name="radius">d when it was made.</param>
internal sealed class SearchTrial(int number, double[] point, SearchStep step, double radius)
{
    public int Number { get; } = number;

    public double[] Point { get; } = point;

    public SearchStep Step { get; } = step;

    public double Radius { get; } = radius;

    /// <summary>f, which is maximised.</summary>
    public double Value { get; set; } = double.NaN;

    /// <summary>Whether c ≤ 0.</summary>
    public bool IsAllowed { get; set; } = true;

    /// <summary>Whether it became the best point.</summary>
    public bool IsBetter { get; set; }
}

/// <summary>How far a search goes.</summary>
internal sealed record SearchForm
{
    /// <summary>d at the beginning, in units of a side.</summary>
    public double Radius { get; init; } = 0.5;

    /// <summary>The search ends when d is below it.</summary>
    public double Smallest { get; init; } = 1e-6;

    /// <summary>Trials, the first included.</summary>
    public int Trials { get; init; } = 250;

    /// <summary>Where a point is allowed to be: the nearest place within simple bounds.</summary>
    public Func<double[], double[]> Within { get; init; } = static point => point;

    /// <summary>Tries a slope first; null searches without.</summary>
    public DirectionalAttack? Attack { get; init; }
}

/// <summary>
/// Covering direct search (cDSM: Audet, Bouchet and Bourdin 2024, arXiv 2401.07097), with an attack along a slope before it where one is known (Bouchet and Vidal 2025, arXiv 2510.01461). Each round tries the attack, then one point that covers the neighbourhood,
/// then the directions of a random orthogonal basis; the first trial that is allowed and rises by 1e-6 d² is taken and doubles d, a round without one halves it. Every trial is judged by what is searched for itself. The draws are keyed: the same
/// values give the same trials.
/// </summary>
/// <param name="form">How far it goes.</param>
/// <param name="key">The key of its draws.</param>
internal sealed class CoveringSearch(SearchForm form, RandomKey key)
{
    /// <summary>How far the covering step looks, in units of a side.</summary>
    public const double Reach = 0.1;

    private const double Rise = 1e-6, Widest = 1;
    private const int Candidates = 32, Remembered = 200;

    private readonly List<double[]> _tried = [];
    private double _radius = form.Radius;
    private int _round;

    /// <summary>The best trial so far; null before the first that is allowed.</summary>
    public SearchTrial? Best { get; private set; }

    /// <summary>The trials, each judged before the next is asked for.</summary>
    /// <param name="start">Where it begins.</param>
    public IEnumerable<SearchTrial> Trials(double[] start)
    {
        var first = New(form.Within(start), SearchStep.Start);
        yield return first;
        if (!Takes(first)) yield break;
        for (; _tried.Count < form.Trials && _radius >= form.Smallest; _round++)
        {
            var found = false;
            foreach (var (point, step) in Round())
            {
                if (_tried.Count >= form.Trials) break;
                if (_tried.Any(point.SequenceEqual)) continue;
                var trial = New(point, step);
                yield return trial;
                if (found = Takes(trial)) break;
            }
            _radius = found ? Math.Min(2 * _radius, Widest) : _radius / 2;
        }
    }

    private IEnumerable<(double[] Point, SearchStep Step)> Round()
    {
        var best = Best!.Point;
        foreach (var point in form.Attack?.Points(best, _radius) ?? []) yield return (form.Within(point), SearchStep.Attack);
        yield return (Uncovered(best), SearchStep.Covering);
        foreach (var direction in Basis(best.Length)) yield return (form.Within(Moved(best, direction, _radius)), SearchStep.Poll);
        foreach (var direction in Basis(best.Length)) yield return (form.Within(Moved(best, direction, -_radius)), SearchStep.Poll);
    }

    private SearchTrial New(double[] point, SearchStep step)
    {
        _tried.Add(point);
        return new SearchTrial(_tried.Count - 1, point, step, _radius);
    }

    private bool Takes(SearchTrial trial)
    {
        if (!trial.IsAllowed || !double.IsFinite(trial.Value) || (Best is { } best && !(trial.Value > best.Value + (Rise * _radius * _radius)))) return false;
        Best = trial;
        return trial.IsBetter = true;
    }

    // Of points drawn uniformly in the ball, the one whose nearest trial is farthest.
    private double[] Uncovered(double[] best)
    {
        var random = key.For("covering", _round).Open();
        var drawn = Enumerable.Range(0, Candidates).Select(_ =>
        {
            var direction = Unit([.. best.Select(_ => random.NextNormal())]);
            return form.Within(Moved(best, direction, Reach * Math.Pow(random.NextDouble(), 1.0 / best.Length)));
        });
        return drawn.MaxBy(point => _tried.TakeLast(Remembered).Min(tried => Distance(point, tried)))!;
    }

    // Gram and Schmidt on normal draws: uniform among orthogonal bases.
    private List<double[]> Basis(int dimensions)
    {
        var random = key.For("basis", _round).Open();
        List<double[]> basis = [];
        while (basis.Count < dimensions)
        {
            double[] direction = [.. Enumerable.Range(0, dimensions).Select(_ => random.NextNormal())];
            // Twice, since what is left of a direction may be small beside what is taken away.
            for (var pass = 0; pass < 2; pass++)
            {
                foreach (var other in basis) direction = Moved(direction, other, -direction.Zip(other, static (a, b) => a * b).Sum());
            }
            basis.Add(Unit(direction));
        }
        return basis;
    }

    private static double[] Moved(double[] point, double[] direction, double by) => [.. point.Zip(direction, (x, s) => x + (by * s))];

    private static double[] Unit(double[] direction)
    {
        var length = Math.Sqrt(direction.Sum(static x => x * x));
        return [.. direction.Select(x => x / length)];
    }

    private static double Distance(double[] one, double[] other) => Math.Sqrt(one.Zip(other, static (a, b) => (a - b) * (a - b)).Sum());
}
