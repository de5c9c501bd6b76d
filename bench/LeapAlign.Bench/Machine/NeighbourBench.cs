using System.Diagnostics;
using System.Globalization;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Machine;

/// <summary>
/// What busy neighbours do to a step: quiet and with two busy processes beside it, by default, with threads that spin (<c>OMP_WAIT_POLICY=active</c>) and with threads that sleep (<c>passive</c>); and one processor of the machine
/// (<c>taskset</c>) against one thread. Each figure is the median of processes of their own, taken in turns, because machines drift.
/// </summary>
internal static class NeighbourBench
{
    private const int Neighbours = 2;
    private const int Rounds = 3;
    private const int Steps = 3;
    private static readonly Dictionary<string, string> s_default = [];
    private static readonly Dictionary<string, string> s_spinning = new() { ["OMP_WAIT_POLICY"] = "active" };
    private static readonly Dictionary<string, string> s_sleeping = new() { ["OMP_WAIT_POLICY"] = "passive" };

    public static Result<Unit> Run(IReadOnlyList<string> overrides)
    {
        List<double> quiet = [], spinning = [], sleeping = [], busy = [], sleepingBusy = [], core = [], thread = [];
        for (var round = 0; round < Rounds; round++)
        {
            quiet.Add(Step(s_default, Steps, overrides));
            spinning.Add(Step(s_spinning, Steps, overrides));
            sleeping.Add(Step(s_sleeping, Steps, overrides));
            busy.Add(Beside(() => Step(s_default, Steps, overrides)));
            sleepingBusy.Add(Beside(() => Step(s_sleeping, Steps, overrides)));
            core.Add(StepsOf.Spawn(s_default, 0, ["steps-of", $"{Steps}", .. overrides]));
            thread.Add(Step(s_default, Steps, [.. overrides, "run.threads=1"]));
        }
        // It may take twenty times as long: once is enough to see it.
        var spinningBusy = Beside(() => Step(s_spinning, 1, overrides));
        var (still, spun, beside) = (Bench.Median(quiet), Bench.Median(spinning), Bench.Median(busy));
        var (one, alone) = (Bench.Median(core), Bench.Median(thread));
        Row("quiet", still);
        Row("quiet, threads that spin", spun);
        Row("quiet, threads that sleep", Bench.Median(sleeping));
        Row($"beside {Neighbours} busy processes", beside);
        Row("the same, threads that spin", spinningBusy);
        Row("the same, threads that sleep", Bench.Median(sleepingBusy));
        Row("on one processor", one);
        Row("with one thread", alone);
        Ratio("busy / quiet", beside / still, 2);
        Ratio("busy / quiet, threads that spin", spinningBusy / spun, null);
        Ratio("quiet / quiet with threads that spin", still / spun, 1.06);
        Ratio("one processor / one thread", one / alone, 1.05);
        return Unit.Value;
    }

    /// <summary>Keeps a processor busy until it is ended, or whoever started it is.</summary>
    public static Result<Unit> BeBusy(int seconds)
    {
        var started = Stopwatch.GetTimestamp();
        var sum = 0.0;
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
        {
            for (var index = 1; index < 1_000_000; index++) sum += 1.0 / index;
        }
        Console.WriteLine(sum.ToString("R", CultureInfo.InvariantCulture));
        return Unit.Value;
    }

    private static double Step(Dictionary<string, string> variables, int steps, IEnumerable<string> overrides) => StepsOf.Spawn(variables, null, ["steps-of", $"{steps}", .. overrides]);

    private static double Beside(Func<double> measure)
    {
        var neighbours = Enumerable.Range(0, Neighbours).Select(static _ => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["busy", "1800"]) { RedirectStandardOutput = true })!).ToList();
        try
        {
            return measure();
        }
        finally
        {
            foreach (var neighbour in neighbours)
            {
                neighbour.Kill();
                neighbour.WaitForExit();
                neighbour.Dispose();
            }
        }
    }

    private static void Row(string what, double seconds) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-40} {seconds,9:F3} s"));

    private static void Ratio(string what, double ratio, double? bar) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-40} {ratio,9:F3}   {(bar is { } most ? $"at most {most:0.##}: {(ratio <= most ? "held" : "NOT HELD")}" : "for comparison")}"));
}
