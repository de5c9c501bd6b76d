using LeapAlign.Host.Kernel;

namespace LeapAlign.Host.Reports;

/// <summary>How often each value, or each pair of values, was chosen over a run.</summary>
/// <param name="Row">The measurement whose values are rows.</param>
/// <param name="Column">The one whose values are columns; null when there is one measurement alone.</param>
/// <param name="Rows">Values of rows, from the least to the largest that came.</param>
/// <param name="Columns">The same for columns; empty when there is one measurement alone.</param>
/// <param name="Counts">For each row, the count of each column, or its own count alone.</param>
internal sealed record ChoiceMap(string Row, string? Column, IReadOnlyList<long> Rows, IReadOnlyList<long> Columns, IReadOnlyList<IReadOnlyList<int>> Counts)
{
    private const int Widest = 128;

    /// <summary>The pairs of choices that the algorithm makes together, and each other choice alone. Choices of a wide range are left to their curve.</summary>
    public static IReadOnlyList<ChoiceMap> Of(RecordedRun run)
    {
        string[] names = [.. run.Steps.SelectMany(static step => step.Choices?.Keys ?? []).Distinct()];
        var pairs = (run.Record?.Pairs ?? []).Where(pair => names.Contains(pair.First) && names.Contains(pair.Second)).ToList();
        var alone = names.Where(name => !pairs.Exists(pair => name == pair.First || name == pair.Second)).Select(name => Alone(name, Values(run, name)));
        return [.. pairs.Select(pair => Together(run, pair)).Concat(alone).Where(static map => map.Rows.Count is > 0 and <= Widest && map.Columns.Count <= Widest)];
    }

    private static ChoiceMap Together(RecordedRun run, ChoicePair pair)
    {
        var (first, second) = pair;
        var counts = run.Steps
            .Where(step => step.Choices is not null && step.Choices.ContainsKey(first) && step.Choices.ContainsKey(second))
            .SelectMany(step => step.Choices![first].Zip(step.Choices[second]))
            .CountBy(static pair => pair).ToDictionary();
        var (rows, columns) = (Range(counts.Keys.Select(static pair => pair.First)), Range(counts.Keys.Select(static pair => pair.Second)));
        return new ChoiceMap(first, second, rows, columns, [.. rows.Select(row => (IReadOnlyList<int>)[.. columns.Select(column => counts.GetValueOrDefault((row, column)))])]);
    }

    private static ChoiceMap Alone(string name, IEnumerable<long> values)
    {
        var counts = values.CountBy(static value => value).ToDictionary();
        var rows = Range(counts.Keys);
        return new ChoiceMap(name, null, rows, [], [.. rows.Select(row => (IReadOnlyList<int>)[counts.GetValueOrDefault(row)])]);
    }

    private static IEnumerable<long> Values(RecordedRun run, string name) => run.Steps.SelectMany(step => step.Choices?.GetValueOrDefault(name) ?? []);

    // Every value in between, so that what was never chosen is seen; a range too wide to show is cut, and then left out.
    private static long[] Range(IEnumerable<long> values)
    {
        long[] all = [.. values];
        if (all.Length == 0) return [];
        var least = all.Min();
        return [.. Enumerable.Range(0, (int)Math.Min(all.Max() - least, Widest) + 1).Select(offset => least + offset)];
    }
}
