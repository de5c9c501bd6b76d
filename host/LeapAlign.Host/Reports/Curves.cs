using LeapAlign.Host.Runs.Metrics;

namespace LeapAlign.Host.Reports;

/// <summary>The measurements of steps as columns, as long as each other.</summary>
/// <param name="Every">1 when every step is there; n when every nth is, so that the page of a long run stays small.</param>
/// <param name="Step">The steps.</param>
/// <param name="Evaluations">Network evaluations of single samples, up to and with each step.</param>
/// <param name="Seconds">Seconds of training, up to and with each step.</param>
/// <param name="Columns">The measurements.</param>
internal sealed record Curves(int Every, IReadOnlyList<int> Step, IReadOnlyList<double> Evaluations, IReadOnlyList<double> Seconds, IReadOnlyList<Column> Columns)
{
    /// <summary>The most steps a report shows.</summary>
    public const int Longest = 4000;

    /// <summary>Takes every step, or every nth and the last of a run with more than <see cref="Longest"/>.</summary>
    public static Curves Of(RecordedRun run, int longest = Longest)
    {
        var every = Math.Max(1, (run.Steps.Count + longest - 1) / longest);
        var totals = Totals.Of(run);
        int[] shown = [.. Enumerable.Range(0, run.Steps.Count).Where(index => (index + 1) % every == 0 || index == run.Steps.Count - 1)];
        List<Column> columns =
        [
            Take("loss", "loss", static step => step.Loss),
            Take("gradientNorm", "gradientNorm", static step => step.GradientNorm),
            Take("rate", "rate", static step => step.Rate),
        ];
        if (run.Steps.Any(static step => step.Skipped > 0)) columns.Add(Take("skipped", "skipped", static step => step.Skipped));
        columns.AddRange(Names(static step => step.Rewards).Select(name => Take("rewards", name, step => Find(step.Rewards, name))));
        columns.AddRange(Names(static step => step.Measurements).Select(name => Take("measurements", name, step => Find(step.Measurements, name))));
        return new Curves(every, [.. shown.Select(index => run.Steps[index].Step)], [.. shown.Select(index => totals[index].Evaluations)], [.. shown.Select(index => totals[index].Seconds)], columns);

        Column Take(string group, string name, Func<StepLine, double?> value) => new(group, name, [.. shown.Select(index => value(run.Steps[index]))]);

        IEnumerable<string> Names(Func<StepLine, IReadOnlyDictionary<string, double>?> values) => run.Steps.SelectMany(step => values(step)?.Keys ?? []).Distinct();
    }

    private static double? Find(IReadOnlyDictionary<string, double>? values, string name) => values is not null && values.TryGetValue(name, out var value) ? value : null;
}

/// <summary>One measurement over steps.</summary>
/// <param name="Group">Where metrics.jsonl has it: itself, <c>rewards</c> or <c>measurements</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Values">One for each step that is shown; null where the step did not measure it.</param>
internal sealed record Column(string Group, string Name, IReadOnlyList<double?> Values);

/// <summary>What a run had spent when a step was done.</summary>
/// <param name="Evaluations">Network evaluations of single samples.</param>
/// <param name="Seconds">Seconds of training, without evaluations.</param>
internal readonly record struct Totals(double Evaluations, double Seconds)
{
    /// <summary>One for each step, in order.</summary>
    public static IReadOnlyList<Totals> Of(RecordedRun run)
    {
        var totals = new Totals[run.Steps.Count];
        var sum = default(Totals);
        for (var index = 0; index < totals.Length; index++)
        {
            var step = run.Steps[index];
            sum = totals[index] = new Totals(sum.Evaluations + (step.Evaluations * run.SamplesPerStep), sum.Seconds + step.Timings.Seconds);
        }
        return totals;
    }

    /// <summary>What the run had spent after a number of steps.</summary>
    public static Totals After(RecordedRun run, IReadOnlyList<Totals> totals, int step)
    {
        for (var index = run.Steps.Count - 1; index >= 0; index--)
        {
            if (run.Steps[index].Step <= step) return totals[index];
        }
        return default;
    }
}
