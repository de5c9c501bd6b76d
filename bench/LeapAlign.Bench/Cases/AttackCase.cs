using System.Globalization;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Searching;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Cases;

/// <summary>
/// The nearest that a small network comes to a point, in 40 dimensions whose sum of lengths is bounded by 6, a bound that the search does not see: covering direct search alone, and with an attack along the network's slope before it (Bouchet and Vidal
/// 2025, arXiv 2510.01461).
/// </summary>
internal static class AttackCase
{
    private const int Inputs = 40, Hidden = 32, Outputs = 4, Trials = 250;
    private const double Bound = 6, Half = 0.5;

    private static readonly string[] s_seeds = ["0", "1", "2", "3", "4"];

    /// <summary>Runs the case for each seed.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> seeds) => LibTorch.Load().Bind(_ => SeededCases.Run("| seed | distance² after 250 trials, covering search | with the attack | attacks that rose |", seeds.Count > 0 ? seeds : s_seeds, Seed));

    private static List<string> Seed(long seed)
    {
        var random = RandomKey.OfRun(seed).For("attack case").Open();
        double[][] Matrix(int rows, int columns) => [.. Enumerable.Range(0, rows).Select(_ => (double[])[.. Enumerable.Range(0, columns).Select(_ => random.NextNormal() / Math.Sqrt(columns))])];
        var (first, second, aim) = (Matrix(Hidden, Inputs), Matrix(Outputs, Hidden), (double[])[.. Enumerable.Range(0, Outputs).Select(_ => random.NextNormal())]);

        double[] Units(double[] x) => [.. first.Select(row => Math.Tanh(2 * row.Zip(x, static (w, value) => w * value).Sum()))];
        double[] Errors(double[] units) => [.. second.Zip(aim, (row, y) => row.Zip(units, static (w, value) => w * value).Sum() - y)];
        double Value(double[] x) => -Errors(Units(x)).Sum(static error => error * error);
        double[] Slope(double[] x)
        {
            var units = Units(x);
            var errors = Errors(units);
            double[] back = [.. units.Select((unit, j) => -2 * errors.Select((error, i) => error * second[i][j]).Sum() * 2 * (1 - (unit * unit)))];
            return [.. Enumerable.Range(0, Inputs).Select(column => back.Select((value, j) => value * first[j][column]).Sum())];
        }
        static double Length(double[] x) => x.Sum(Math.Abs);
        static double[] Within(double[] x) => Length(x) is > Bound and var length ? [.. x.Select(value => value * Bound / length)] : x;

        (double Left, int Rose) Found(DirectionalAttack? attack)
        {
            var search = new CoveringSearch(new SearchForm { Radius = 0.5, Trials = Trials, Smallest = 1e-7, Attack = attack }, RandomKey.OfRun(seed).For("search"));
            var rose = 0;
            foreach (var trial in search.Trials(new double[Inputs]))
            {
                trial.Value = Value(trial.Point);
                trial.IsAllowed = Length(trial.Point) <= Bound;
                if (search.Best is { Step: SearchStep.Attack } best && best.Number == trial.Number - 1) rose++;
            }
            return (-search.Best!.Value, rose);
        }

        var (alone, _) = Found(null);
        var (hybrid, attacks) = Found(new DirectionalAttack(Slope, radii: [4, 1, 0.25], within: Within));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {seed} | {alone:0.0000} | {hybrid:0.0000} | {attacks} |"));
        return [.. SeededCases.Unless(hybrid <= Half * alone, $"seed {seed}: with the attack more than half of the distance is left")];
    }
}
