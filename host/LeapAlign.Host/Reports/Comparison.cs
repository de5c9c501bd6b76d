using System.Text.Json.Nodes;
using LeapAlign.Host.Runs.Metrics;

namespace LeapAlign.Host.Reports;

/// <summary>Several runs at the same point. Rewards are those of evaluations as metrics.jsonl has them; nothing is interpolated.</summary>
/// <param name="Step">The last step at which all of them were evaluated; null when there is none.</param>
/// <param name="EqualSteps">Each run there.</param>
/// <param name="Evaluations">Network evaluations of single samples that every run has made; null when there is none.</param>
/// <param name="EqualEvaluations">Each run at its last evaluation within them; without those that were first evaluated later.</param>
/// <param name="Differences">Settings that are not the same in all runs.</param>
internal sealed record Comparison(
    int? Step, IReadOnlyList<Standing> EqualSteps, double? Evaluations, IReadOnlyList<Standing> EqualEvaluations, IReadOnlyList<Difference> Differences)
{
    /// <summary>Compares runs.</summary>
    public static Comparison Of(IReadOnlyList<RecordedRun> runs)
    {
        var evaluated = runs.Select(Standings).ToList();
        var common = evaluated.Select(static run => run.Select(static standing => standing.Step)).Aggregate(static (left, right) => left.Intersect(right)).DefaultIfEmpty(-1).Max();
        // The budget is that of the run that spent least: all others had spent as much at some time.
        var budget = evaluated.All(static run => run.Count > 0) ? evaluated.Min(static run => run[^1].Evaluations) : -1;
        return new Comparison(
            common < 0 ? null : common,
            common < 0 ? [] : [.. evaluated.Select(run => run.Single(standing => standing.Step == common))],
            budget < 0 ? null : budget,
            budget < 0 ? [] : [.. evaluated.Select(run => run.LastOrDefault(standing => standing.Evaluations <= budget)).OfType<Standing>()],
            Difference.Between(runs));
    }

    private static List<Standing> Standings(RecordedRun run)
    {
        var totals = Totals.Of(run);
        return [.. run.Evaluations.Select(evaluation => Standing.Of(run, totals, evaluation))];
    }
}

/// <summary>An evaluation and what the run had spent by then.</summary>
/// <param name="Run">The run.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Evaluations">Network evaluations of single samples.</param>
/// <param name="Seconds">Seconds of training.</param>
/// <param name="Rewards">The mean of each reward.</param>
internal sealed record Standing(string Run, int Step, double Evaluations, double Seconds, IReadOnlyDictionary<string, double> Rewards)
{
    /// <summary>The newest preview of each name by then.</summary>
    public required IReadOnlyList<PreviewStanding> Previews { get; init; }

    public static Standing Of(RecordedRun run, IReadOnlyList<Totals> totals, EvaluationLine evaluation)
    {
        var spent = Totals.After(run, totals, evaluation.Step);
        return new Standing(run.Name, evaluation.Step, spent.Evaluations, spent.Seconds, evaluation.Rewards)
        {
            Previews = [.. run.Previews.Where(line => line.Step <= evaluation.Step).GroupBy(static line => line.Preview).Select(static lines => new PreviewStanding(lines.Key, lines.Last().Step, lines.Last().Rewards))],
        };
    }
}

/// <summary>A preview, which may be older than the evaluation beside it: it can be drawn more seldom.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Rewards">The mean of each reward.</param>
internal sealed record PreviewStanding(string Name, int Step, IReadOnlyDictionary<string, double> Rewards);

/// <summary>A setting that is not the same in all runs.</summary>
/// <param name="Key">Its path in plugins.resolved.json.</param>
/// <param name="Values">Its value in each run, as JSON; null where the run does not have it.</param>
internal sealed record Difference(string Key, IReadOnlyList<string?> Values)
{
    public static IReadOnlyList<Difference> Between(IReadOnlyList<RecordedRun> runs)
    {
        var settings = runs.Select(static run => FlatSettings.Of(run.Settings).ToDictionary(static setting => setting.Key, static setting => setting.Value)).ToList();
        return [.. settings.SelectMany(static run => run.Keys).Distinct()
            .Select(key => new Difference(key, [.. settings.Select(run => run.GetValueOrDefault(key))]))
            .Where(static difference => difference.Values.Distinct().Count() > 1)];
    }
}

/// <summary>A setting by its path.</summary>
/// <param name="Key">The path, with dots between keys; an entry of a list goes by its name, or by its place when it has none.</param>
/// <param name="Value">The value as JSON.</param>
internal sealed record FlatSetting(string Key, string Value);

/// <summary>plugins.resolved.json without its nesting.</summary>
internal static class FlatSettings
{
    public static IEnumerable<FlatSetting> Of(JsonNode? node, string path = "") => node switch
    {
        JsonObject { Count: > 0 } entry => entry.SelectMany(pair => Of(pair.Value, path.Length == 0 ? pair.Key : $"{path}.{pair.Key}")),
        JsonArray { Count: > 0 } list => list.SelectMany((item, place) => Of(item, $"{path}.{Name(item) ?? $"{place}"}")),
        null => [new(path, "null")],
        _ => [new(path, node.ToJsonString())],
    };

    private static string? Name(JsonNode? item) => item is JsonObject entry && entry["name"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : null;
}
