using System.Globalization;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Sweeps;
using LeapAlign.Pipeline;
using Chain = System.Collections.Generic.IReadOnlyList<(LeapAlign.Bench.Tables.TableRun Run, LeapAlign.Host.Reports.RecordedRun Read)>;

namespace LeapAlign.Bench.Tables;

/// <summary>
/// A table as Markdown: means over seeds and, behind ±, the standard deviation of a sample. The first line is what the first row's runs were before training. Cells of runs that are not finished are empty.
/// </summary>
internal static class TableText
{
    private const double KilobytesPerGibibyte = 1 << 20;

    /// <summary>Writes it.</summary>
    public static Result<string> Of(TableFile table)
    {
        var lines = new List<IReadOnlyList<(string Column, string Cell)>>();
        foreach (var row in table.Rows)
        {
            if (!TableBench.Chosen(table, row).TryGet(out var chosen, out var fault)) return Result.Fail<string>(fault);
            if (!Chains(table, row, chosen).TryGet(out var chains, out fault)) return Result.Fail<string>(fault);
            if (lines.Count == 0 && chains.Count > 0) lines.Add([("row", "before"), .. Rewards(table, chains, static chain => (chain[0].Read.Evaluations[0].Rewards, chain[0].Read.Previews.TakeWhile(line => line.Step == chain[0].Read.Evaluations[0].Step)))]);
            lines.Add(Cells(table, row, chosen, chains));
        }
        var columns = lines.OrderByDescending(static line => line.Count).SelectMany(static line => line.Select(static cell => cell.Column)).Distinct().ToList();
        return string.Join('\n', [
            Row(columns), Row(columns.Select(static _ => "---")),
            .. lines.Select(line => Row(columns.Select(column => line.FirstOrDefault(cell => cell.Column == column).Cell ?? ""))),
        ]);
    }

    // All stages of each seed, of seeds whose last stage is done.
    private static Result<IReadOnlyList<Chain>> Chains(TableFile table, TableRow row, int? chosen) => (chosen is not { } number ? [] : table.Measured)
        .Select(seed => new TableRun(table, row, row.Stages.Count - 1, chosen!.Value, seed))
        .Where(static run => run.IsFinished)
        .Select(static run => Stages(run).Reverse().Select(static stage => stage.Read().Map(read => (stage, read))).All())
        .All();

    private static IEnumerable<TableRun> Stages(TableRun? run)
    {
        for (; run is not null; run = run.Before) yield return run;
    }

    private static List<(string, string)> Cells(TableFile table, TableRow row, int? chosen, IReadOnlyList<Chain> chains)
    {
        var cells = new List<(string, string)> { ("row", row.Name) };
        if (row.Tries.Count > 1) cells.Add(("chosen", chosen is { } number ? string.Join(", ", row.Tries[number].Select(static set => $"{set.Key.Split('.')[^1]} {set.Value?.ToJsonString()}")) : ""));
        cells.Add(("seeds", $"{chains.Count} of {table.Measured.Count()}"));
        if (chains.Count == 0) return cells;
        string Over(Func<Chain, double> number, string format) => Shown([.. chains.Select(number)], format);
        cells.Add(("steps", Over(static chain => chain.Sum(static stage => stage.Read.Done), "0.#")));
        cells.AddRange(Rewards(table, chains, static chain => (chain[^1].Read.Evaluations[^1].Rewards, chain[^1].Read.Previews.Reverse().TakeWhile(line => line.Step == chain[^1].Read.Evaluations[^1].Step))));
        // Of one sample of the whole training: an evaluation of the ledger is one of a micro-batch.
        cells.Add(("F", Over(static chain => chain.Sum(static stage => stage.Read.Steps.Sum(step => (step.Evaluations - step.GradientEvaluations) * stage.Read.SamplesPerStep)), "0")));
        cells.Add(("G", Over(static chain => chain.Sum(static stage => stage.Read.Steps.Sum(step => step.GradientEvaluations * stage.Read.SamplesPerStep)), "0")));
        cells.Add(("seconds", Over(static chain => chain.Sum(static stage => stage.Read.Steps.Sum(static step => step.Timings.Seconds)), "0")));
        if (chains.All(static chain => chain.All(static stage => stage.Run.Kilobytes is not null)))
            cells.Add(("GiB", Over(static chain => chain.Max(static stage => stage.Run.Kilobytes!.Value) / KilobytesPerGibibyte, "0.00")));
        return cells;
    }

    // Of an evaluation, and of the previews that belong to it, whose columns have the name of the preview behind that of the reward.
    private static IEnumerable<(string, string)> Rewards(
        TableFile table, IReadOnlyList<Chain> chains, Func<Chain, (IReadOnlyDictionary<string, double> Rewards, IEnumerable<PreviewLine> Previews)> evaluation)
    {
        var all = chains.Select(evaluation).Select(static one => one.Previews.SelectMany(static line => line.Rewards.Select(reward => KeyValuePair.Create($"{reward.Key}, {line.Preview}", reward.Value))).Concat(one.Rewards).ToDictionary()).ToList();
        return all[0].Keys.Where(column => table.Columns?.Contains(column.Split(',')[0]) != false).Order(StringComparer.Ordinal)
            .Select(column => (column, Shown([.. all.Select(values => values.GetValueOrDefault(column, double.NaN))], "0.0000")));
    }

    private static string Shown(IReadOnlyList<double> values, string format)
    {
        var spread = Spread.Of(values);
        var mean = spread.Mean.ToString(format, CultureInfo.InvariantCulture);
        var deviation = spread.Deviation?.ToString(format, CultureInfo.InvariantCulture);
        return deviation is null || double.Parse(deviation, CultureInfo.InvariantCulture) == 0 ? mean : $"{mean} ± {deviation}";
    }

    private static string Row(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";
}
