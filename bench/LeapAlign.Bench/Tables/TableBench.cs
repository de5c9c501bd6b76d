using System.Globalization;
using LeapAlign.Host.Reports;
using LeapAlign.Pipeline;

namespace LeapAlign.Bench.Tables;

/// <summary>
/// Trains the runs of a table that are not finished, by the built program, and prints the table. It can be stopped at any time and goes on where it was; what is finished is not done again.
/// </summary>
internal static class TableBench
{
    /// <summary>Runs.</summary>
    /// <param name="path">The table (<see cref="TableFile"/>).</param>
    /// <param name="words"><c>minutes=20</c>: after so long no run begins, and those under way stop with a checkpoint; <c>jobs=2</c>: as many at once; then overrides of all runs.</param>
    public static Result<Unit> Run(string path, IReadOnlyList<string> words)
    {
        var minutes = Number(words, "minutes") ?? double.PositiveInfinity;
        var jobs = (int)(Number(words, "jobs") ?? 1);
        string[] overrides = [.. words.Where(static word => !word.StartsWith("minutes=", StringComparison.Ordinal) && !word.StartsWith("jobs=", StringComparison.Ordinal))];
        if (!TableFile.Read(path).TryGet(out var table, out var fault)) return fault;
        using var stop = new CancellationTokenSource();
        if (double.IsFinite(minutes)) stop.CancelAfter(TimeSpan.FromMinutes(minutes));
        Console.CancelKeyPress += (_, pressed) => { pressed.Cancel = true; stop.Cancel(); };
        while (!stop.IsCancellationRequested)
        {
            if (!Ready(table).TryGet(out var ready, out fault)) return fault;
            if (ready.Count == 0) break;
            var (failed, went) = (false, false);
            Parallel.ForEach(ready, new ParallelOptions { MaxDegreeOfParallelism = jobs }, run =>
            {
                if (stop.IsCancellationRequested) return;
                run.Do(overrides, stop.Token).Match(
                    done =>
                    {
                        if (done) went = true;
                        return Said($"{run.Name}: {(done ? "done" : "stopped, or another process works in its folder")}");
                    },
                    wrong => { failed = true; return Said($"{run.Name}: {wrong}"); });
            });
            // What another process works on is left to it.
            if (failed || !went) break;
        }
        return TableText.Of(table).Map(static text => Said(text));
    }

    /// <summary>The runs of a table that can begin, whose stages before are done; what is chosen is known before what is measured.</summary>
    internal static Result<IReadOnlyList<TableRun>> Ready(TableFile table) => table.Rows.Select(row => Needed(table, row)).All()
        .Map(IReadOnlyList<TableRun> (rows) => [.. rows.SelectMany(static row => row).Select(Earliest).Where(static run => !run.IsFinished).Distinct()]);

    /// <summary>The number of the try that goes on; null while it is not known.</summary>
    internal static Result<int?> Chosen(TableFile table, TableRow row)
    {
        if (row.Tries.Count == 1) return (int?)0;
        var tries = Tries(table, row);
        if (!tries.All(static run => run.IsFinished)) return (int?)null;
        return tries.Select(run => run.Read().Map(read => Final(read, table.Choose!))).All().Map(scores => (int?)scores.Select(static (score, number) => (score, number)).MaxBy(static one => one.score).number);
    }

    /// <summary>A reward of the last evaluation; one that is not there, or not finite, loses against all.</summary>
    internal static double Final(RecordedRun run, string reward) => run.Evaluations is [.., var last] && last.Rewards.TryGetValue(reward, out var value) && double.IsFinite(value) ? value : double.NegativeInfinity;

    private static IReadOnlyList<TableRun> Tries(TableFile table, TableRow row) => [.. Enumerable.Range(0, row.Tries.Count).Select(number => new TableRun(table, row, row.Stages.Count - 1, number, table.Seeds[0]))];

    private static Result<IReadOnlyList<TableRun>> Needed(TableFile table, TableRow row) => Chosen(table, row).Map(IReadOnlyList<TableRun> (chosen) => chosen is { } number
        ? [.. table.Measured.Select(seed => new TableRun(table, row, row.Stages.Count - 1, number, seed))]
        : Tries(table, row));

    private static TableRun Earliest(TableRun run) => run.Before is { IsFinished: false } before ? Earliest(before) : run;

    private static double? Number(IReadOnlyList<string> words, string name) => words.FirstOrDefault(word => word.StartsWith($"{name}=", StringComparison.Ordinal)) is { } word
        ? double.Parse(word[(name.Length + 1)..], CultureInfo.InvariantCulture)
        : null;

    private static Unit Said(string text)
    {
        Console.WriteLine(text);
        return Unit.Value;
    }
}
