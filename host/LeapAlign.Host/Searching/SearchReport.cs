using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Reports.Pages;
using LeapAlign.Host.Scored;
using LeapAlign.Host.Sweeps;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using Spectre.Console;

namespace LeapAlign.Host.Searching;

/// <summary>The report of a search, in its folder: <c>report.html</c> over the runs of its trials, <c>trials.csv</c> with a row for each, <c>best.json</c>, and the best on standard output.</summary>
internal static class SearchReport
{
    /// <summary>Writes it.</summary>
    /// <param name="search">What was searched.</param>
    /// <param name="end">What was found, at least one trial.</param>
    /// <param name="terminal">Where the table goes.</param>
    /// <returns>LA5002 when the disk refuses, LA4013 when a run cannot be read.</returns>
    public static Result<Unit> Write(SettingSearch search, SearchEnd end, Terminal terminal)
    {
        var folder = Path.GetDirectoryName(end.Trials[0].Run.Path)!;
        return from page in new ReportPage().Write([.. end.Trials.Select(static trial => trial.Run.Path).Distinct(StringComparer.Ordinal)], Path.Combine(folder, "report.html"))
               from rows in WholeFile.Write(Path.Combine(folder, "trials.csv"), Encoding.UTF8.GetBytes(Csv(search, end.Trials)))
               from best in end.Best is { } found ? WholeFile.Write(Path.Combine(folder, "best.json"), Encoding.UTF8.GetBytes(IndentedJson.Of(writer => Best(search, end, found).WriteTo(writer)))) : Unit.Value
               select Show(search, end, folder, terminal);
    }

    /// <summary>Trials as comma-separated values with a header. Numbers are the shortest that are read back to the last bit.</summary>
    public static string Csv(SettingSearch search, IReadOnlyList<JudgedTrial> trials)
    {
        var table = new StringBuilder();
        string[] rewards = [.. trials.SelectMany(static trial => trial.Rewards.Keys).Distinct(StringComparer.Ordinal)];
        Append(["trial", "step", "radius", .. search.Settings.Select(static setting => ScoreSheet.Cell(setting.Key)), .. rewards.Select(ScoreSheet.Cell), "allowed", "better"]);
        foreach (var (trial, _, found) in trials)
        {
            Append([
                trial.Number.ToString(CultureInfo.InvariantCulture), Word(trial.Step), SweepSummary.Exact(trial.Radius), .. Values(search, trial).Select(SweepSummary.Exact),
                .. rewards.Select(name => found.TryGetValue(name, out var value) ? SweepSummary.Exact(value) : ""), trial.IsAllowed ? "yes" : "no", trial.IsBetter ? "yes" : "no",
            ]);
        }
        return table.ToString();

        void Append(IEnumerable<string> cells) => table.AppendJoin(',', cells).Append('\n');
    }

    private static IEnumerable<double> Values(SettingSearch search, SearchTrial trial) => search.Settings.Zip(trial.Point, static (setting, place) => setting.At(place));

    private static JsonObject Best(SettingSearch search, SearchEnd end, SearchTrial best)
    {
        var judged = end.Trials[best.Number];
        return new JsonObject
        {
            ["search"] = search.Name,
            ["trials"] = end.Trials.Count,
            ["trial"] = best.Number,
            ["run"] = Path.GetFileName(judged.Run.Path),
            ["settings"] = new JsonObject(search.Settings.Zip(Values(search, best), static (setting, value) => KeyValuePair.Create(setting.Key, (JsonNode?)JsonValue.Create(value)))),
            ["rewards"] = new JsonObject(judged.Rewards.Select(static reward => KeyValuePair.Create(reward.Key, SweepSummary.Number(reward.Value)))),
        };
    }

    private static Unit Show(SettingSearch search, SearchEnd end, string folder, Terminal terminal)
    {
        var table = terminal.Table(["trial", "step", .. search.Settings.Select(static setting => setting.Key), search.Reward, .. search.Floors.Keys, "better"]);
        foreach (var (trial, _, rewards) in end.Trials)
        {
            string[] cells =
            [
                trial.Number.ToString(CultureInfo.InvariantCulture), Word(trial.Step), .. Values(search, trial).Select(Short), Short(rewards[search.Reward]),
                .. search.Floors.Keys.Select(name => Short(rewards[name])), trial.IsBetter ? "better" : trial.IsAllowed ? "" : "below a floor",
            ];
            table.AddRow(cells.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
        if (end.Best is { } best)
            terminal.Write($"best is trial {best.Number}: {string.Join(' ', search.Settings.Zip(Values(search, best), static (setting, value) => $"--set {setting.Key}={SweepSummary.Exact(value)}"))}");
        terminal.Write($"report {Path.Combine(folder, "report.html")}, trials.csv and best.json beside it");
        return Unit.Value;
    }

    private static string Word(SearchStep step) => step switch
    {
        SearchStep.Start => "start",
        SearchStep.Attack => "attack",
        SearchStep.Covering => "covering",
        _ => "poll",
    };

    private static string Short(double number) => number.ToString("G4", CultureInfo.InvariantCulture);
}
