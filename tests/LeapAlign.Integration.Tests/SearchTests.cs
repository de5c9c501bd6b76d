using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests;

/// <summary>A search of the built program: its trials are processes of it.</summary>
public sealed class SearchTests : IDisposable
{
    private const string File = """
        {
          "name": "look", "reward": "judge", "evaluation": "first", "trials": 4, "seed": 1,
          "settings": { "guidance.scale": { "from": 1, "to": 4, "start": 2 }, "sampler.settings.shift": { "from": 1, "to": 4, "scale": "log" } },
          "set": { "run.steps": 1 }
        }
        """;

    private readonly Workspace _workspace = new();

    [Fact]
    public void Trials_run_the_best_is_told_and_the_same_command_goes_on_with_what_is_there()
    {
        _workspace.Write("search.json", File);
        var first = _workspace.Leapalign("search", "search.json");
        Assert.True(first.ExitCode == 0, first.Error);
        var rows = System.IO.File.ReadAllLines(_workspace.At("runs", "look", "trials.csv"));
        Assert.Equal("trial,step,radius,guidance.scale,sampler.settings.shift,reward,judge,allowed,better", rows[0]);
        Assert.Equal(5, rows.Length);
        Assert.StartsWith("0,start,0.25,2,2,", rows[1], StringComparison.Ordinal);
        Assert.StartsWith("1,covering,", rows[2], StringComparison.Ordinal);
        var judged = Enumerable.Range(0, 4).Select(number => (double)_workspace.Lines(Path.Combine("look", $"trial-{number:0000}"), "evaluation")[0]["rewards"]!["judge"]!).ToList();
        Assert.Equal(judged, rows.Skip(1).Select(static row => double.Parse(row.Split(',')[6], System.Globalization.CultureInfo.InvariantCulture)));
        // Nothing is forbidden here, and what is better is above all before it.
        Assert.All(rows.Skip(1), static row => Assert.Equal("yes", row.Split(',')[7]));
        Assert.Equal(judged.Select((value, place) => place == 0 || value > judged.Take(place).Max() + 1e-7 ? "yes" : "no"), rows.Skip(1).Select(static row => row.Split(',')[8]));
        // A setting that is drawn with changes what is judged.
        Assert.True(judged.Distinct().Count() > 2);
        var best = JsonNode.Parse(System.IO.File.ReadAllText(_workspace.At("runs", "look", "best.json")))!;
        Assert.Equal(judged.Max(), (double)best["rewards"]!["judge"]!);
        Assert.Contains($"best is trial {judged.IndexOf(judged.Max())}: --set guidance.scale=", first.Output, StringComparison.Ordinal);
        Assert.True(System.IO.File.Exists(_workspace.At("runs", "look", "report.html")));

        // The last trial was interrupted before it had a checkpoint; the others were not.
        Directory.Delete(_workspace.At("runs", "look", "trial-0003"), recursive: true);
        var again = _workspace.Leapalign("search", "search.json");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Equal(3, again.Output.Split("finished before").Length - 1);
        Assert.Equal(rows, System.IO.File.ReadAllLines(_workspace.At("runs", "look", "trials.csv")));

        _workspace.Write("search.json", File.Replace("\"start\": 2", "\"start\": 3", StringComparison.Ordinal));
        var changed = _workspace.Leapalign("search", "search.json");
        Assert.Equal(4, changed.ExitCode);
        Assert.Contains("LA5007", changed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_searched_is_said_before_a_run_begins_or_where_it_begins()
    {
        _workspace.Write("search.json", File.Replace("\"judge\"", "\"juge\"", StringComparison.Ordinal));
        var unknown = _workspace.Leapalign("search", "search.json");
        Assert.Equal(2, unknown.ExitCode);
        Assert.Contains("LA1024", unknown.Error, StringComparison.Ordinal);
        Assert.Contains("did you mean 'judge'", unknown.Error, StringComparison.Ordinal);
        _workspace.Write("search.json", File.Replace("\"run.steps\": 1", "\"run.steps\": 1, \"evaluation.every\": -1", StringComparison.Ordinal));
        var unjudged = _workspace.Leapalign("search", "search.json");
        Assert.Equal(2, unjudged.ExitCode);
        Assert.Contains("the run is not evaluated, and a search is over evaluations", unjudged.Error, StringComparison.Ordinal);
        _workspace.Write("search.json", File.Replace("guidance.scale", "guidance.scales", StringComparison.Ordinal));
        Assert.Contains("LA1003", _workspace.Leapalign("search", "search.json").Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.At("runs")));
        _workspace.Write("search.json", File.Replace("\"trials\"", "\"floors\": { \"judge\": 100 }, \"trials\"", StringComparison.Ordinal));
        var nowhere = _workspace.Leapalign("search", "search.json");
        Assert.Equal(6, nowhere.ExitCode);
        Assert.Contains("LA5042", nowhere.Error, StringComparison.Ordinal);
        Assert.Contains("below its floor 100", nowhere.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Trials_of_the_same_values_are_one_run_and_a_floor_that_is_met_is_met()
    {
        // Values have six digits: there are two of them in these bounds.
        var narrow = File.Replace("\"to\": 4, \"start\": 2", "\"to\": 1.00001, \"start\": 1", StringComparison.Ordinal).Replace("""
            , "sampler.settings.shift": { "from": 1, "to": 4, "scale": "log" }
            """.Trim(), "", StringComparison.Ordinal).Replace("\"trials\": 4", "\"trials\": 5", StringComparison.Ordinal);
        _workspace.Write("search.json", narrow);
        var found = _workspace.Leapalign("search", "search.json");
        Assert.True(found.ExitCode == 0, found.Error);
        string[][] rows = [.. System.IO.File.ReadAllLines(_workspace.At("runs", "look", "trials.csv")).Skip(1).Select(static row => row.Split(','))];
        Assert.Equal(5, rows.Length);
        var values = rows.Select(static row => row[3]).Distinct().Count();
        Assert.InRange(values, 1, 2);
        Assert.Equal(values, Directory.GetDirectories(_workspace.At("runs", "look"), "trial-*").Length);
        Assert.All(rows.GroupBy(static row => row[3]), static same => Assert.Single(same.Select(static row => row[5]).Distinct()));
        // The floor is what the first one has, to the last bit.
        var floor = rows[0][5];
        _workspace.Write("search.json", narrow.Replace("\"look\"", "\"floored\"", StringComparison.Ordinal).Replace("\"trials\"", $"\"floors\": {{ \"judge\": {floor} }}, \"trials\"", StringComparison.Ordinal));
        var floored = _workspace.Leapalign("search", "search.json");
        Assert.True(floored.ExitCode == 0, floored.Error);
        foreach (var row in System.IO.File.ReadAllLines(_workspace.At("runs", "floored", "trials.csv")).Skip(1).Select(static row => row.Split(',')))
            Assert.Equal(Number(row[5]) >= Number(floor) ? "yes" : "no", row[6]);

        static double Number(string text) => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
    }

    public void Dispose() => _workspace.Dispose();
}
