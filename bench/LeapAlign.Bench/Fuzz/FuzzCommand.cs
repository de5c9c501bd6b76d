using System.Diagnostics;
using System.Globalization;
using LeapAlign.Bench.Fuzz.Targets;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Fuzz;

/// <summary><c>fuzz &lt;target&gt; &lt;count&gt; [seed]</c>, from the root of the repository.</summary>
internal static class FuzzCommand
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <summary>Tries mutants, prints what came of them, and keeps those that failed in the corpus.</summary>
    public static Result<Unit> Run(string name, string count, IReadOnlyList<string> rest)
    {
        var root = Environment.CurrentDirectory;
        var seed = rest is [var word] ? long.Parse(word, CultureInfo.InvariantCulture) : 1;
        if (!FuzzTargets.Open(name, root).TryGet(out var target, out var fault)) return fault;
        using (target as IDisposable)
        {
            var corpus = Corpus.Of(root, target);
            using var underWay = UnderWay.Begin(target, seed, out var died);
            var run = new FuzzRun(target, corpus.Read(), s_limit) { Begin = underWay.Note };
            if (died is { } number) return Failed($"an earlier run died at mutant {number}, now in {corpus.Keep(run.Mutant(seed, number))}");
            var started = Stopwatch.GetTimestamp();
            var report = run.Run(seed, long.Parse(count, CultureInfo.InvariantCulture));
            Print(target, report, Stopwatch.GetElapsedTime(started));
            foreach (var failure in report.Failures) Console.WriteLine($"FAILED {failure.Reason} (mutant {failure.Number}, {failure.Input.Length} bytes in {corpus.Keep(failure.Input)})");
            return report.Failures.Count == 0 ? Unit.Value : Failed($"{report.Failures.Count} ways to fail");
        }
    }

    private static void Print(IFuzzTarget target, FuzzReport report, TimeSpan time)
    {
        Console.WriteLine($"{target.Name}: {report.Tried} files in {time.TotalSeconds:F0} s, {report.Tried / time.TotalSeconds:F0} a second, the slowest {report.Slowest.TotalMilliseconds:F0} ms");
        Console.WriteLine($"accepted {report.Accepted}, refused {report.Faults.Values.Sum()}: {string.Join(", ", report.Faults.Select(static fault => $"{fault.Key} {fault.Value}"))}");
    }

    private static Fault Failed(string message) => new Fault.Run(FaultCodes.StepThrew, message);
}
