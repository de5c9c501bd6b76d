using System.Globalization;
using LeapAlign.Bench.Tables;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Bench.Tests;

/// <summary>Which runs of a table are next, and what it says of those that are done.</summary>
public sealed class TableTests : IDisposable
{
    private const string Rates = """
        {
          // A comment, as in plugins.json.
          "config": "plugins.json", "seeds": [7, 8, 9], "choose": "clip", "columns": ["clip"],
          "rows": {
            "adamw": { "set": { "a": 1 }, "try": [ { "optimizer.settings.rate": 1 }, { "optimizer.settings.rate": 2 } ] },
            "one rate": {}
          }
        }
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("leapalign-table-");

    [Fact]
    public void What_chooses_goes_before_what_is_measured()
    {
        var table = Table(Rates);
        Assert.Equal(["adamw,try=1,seed=7", "adamw,try=2,seed=7", "one-rate,seed=8", "one-rate,seed=9"], Ready(table));
        Finish("adamw,try=1,seed=7", 0.3);
        Finish("one-rate,seed=8", 0.1);
        Assert.Equal(["adamw,try=2,seed=7", "one-rate,seed=9"], Ready(table));
        Finish("adamw,try=2,seed=7", 0.4);
        Assert.Equal(["adamw,try=2,seed=8", "adamw,try=2,seed=9", "one-rate,seed=9"], Ready(table));
    }

    [Fact]
    public void A_try_that_is_not_a_number_is_not_chosen()
    {
        var table = Table(Rates);
        Finish("adamw,try=1,seed=7", 0.3);
        Finish("adamw,try=2,seed=7", double.NaN);
        Assert.Contains("adamw,try=1,seed=8", Ready(table));
    }

    [Fact]
    public void A_stage_waits_for_the_one_before()
    {
        var table = Table("""{ "seeds": [0, 1], "rows": { "first, second": { "stages": [ { "a": 1 }, { "model.settings.folder": "{export}" } ] } } }""");
        Assert.Equal(["first-second,stage=1,seed=0", "first-second,stage=1,seed=1"], Ready(table));
        Finish("first-second,stage=1,seed=1", 0.5);
        Assert.Equal(["first-second,stage=1,seed=0", "first-second,stage=2,seed=1"], Ready(table));
    }

    [Fact]
    public void Figures_are_means_of_the_seeds_that_did_not_choose()
    {
        var table = Table(Rates);
        Finish("adamw,try=1,seed=7", 9);
        Finish("adamw,try=2,seed=7", 0.4);
        Finish("adamw,try=1,seed=8", 0.5, before: 0.1);
        Finish("adamw,try=1,seed=9", 0.7, before: 0.1);
        // Two steps of two samples: 10 evaluations each, 3 of them with gradient; 1.5 seconds.
        Assert.Equal(
            """
            | row | chosen | seeds | steps | clip | clip, 4-steps | F | G | seconds |
            | --- | --- | --- | --- | --- | --- | --- | --- | --- |
            | before |  |  |  | 0.1000 | 0.0500 |  |  |  |
            | adamw | rate 1 | 2 of 2 | 2 | 0.6000 ± 0.1414 | 0.3000 ± 0.0707 | 28 | 12 | 3 |
            | one rate |  | 0 of 2 |  |  |  |  |  |  |
            """,
            Recording.Require(TableText.Of(table)),
            ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void Stages_are_one_training()
    {
        var table = Table("""{ "seeds": [0], "rows": { "both": { "stages": [ {}, {} ] } } }""");
        Finish("both,stage=1,seed=0", 0.5, before: 0.1);
        Finish("both,stage=2,seed=0", 0.6, before: 0.2);
        var lines = Recording.Require(TableText.Of(table)).Split('\n');
        Assert.StartsWith("| before |  |  | 0.1000 |", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("| both | 1 of 1 | 4 | 0.6000 |", lines[3], StringComparison.Ordinal);
        Assert.EndsWith("| 56 | 24 | 6 |", lines[3], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "rows": { "a": {} } }""", FaultCodes.WrongType, "seeds")]
    [InlineData("""{ "seeds": [0] }""", FaultCodes.WrongType, "rows")]
    [InlineData("""{ "seeds": [0], "rows": { "a": 1 } }""", FaultCodes.WrongType, "rows.a")]
    [InlineData("""{ "seeds": [0], "rows": { "a": { "sets": {} } } }""", FaultCodes.UnknownKey, "did you mean 'set'?")]
    [InlineData("""{ "seeds": [0], "set": 1, "rows": { "a": {} } }""", FaultCodes.WrongType, "set: an object was expected")]
    [InlineData("""{ "seeds": [0], "rows": { "a": { "set": [] } } }""", FaultCodes.WrongType, "rows.a.set: an object was expected")]
    [InlineData("""{ "seeds": [0], "rows": { "a": { "stages": {} } } }""", FaultCodes.WrongType, "rows.a.stages: a list of objects")]
    [InlineData("""{ "seeds": [0, 1], "choose": "clip", "rows": { "a": { "try": [ {}, 2 ] } } }""", FaultCodes.WrongType, "rows.a.try: a list of objects")]
    [InlineData("""{ "seeds": [0], "rows": { "a": { "set": { "b": 1 }, "stages": [ {} ] } } }""", FaultCodes.WrongType, "belongs into each of 'stages'")]
    [InlineData("""{ "seeds": [0], "row": {} }""", FaultCodes.UnknownKey, "did you mean 'rows'?")]
    [InlineData("""{ "seeds": [0], "choose": "clip", "rows": { "a": {} } }""", FaultCodes.WrongType, "two were expected")]
    [InlineData("""{ "seeds": [0, 1], "rows": { "a": { "try": [ {}, {} ] } } }""", FaultCodes.WrongType, "names no reward")]
    [InlineData("""{ "seeds": [0, 1], "choose": 1, "rows": { "a": {} } }""", FaultCodes.WrongType, "choose: a text was expected")]
    [InlineData("""{ "seeds": [0], "columns": [1], "rows": { "a": {} } }""", FaultCodes.WrongType, "names of rewards")]
    public void What_is_wrong_with_a_file_is_said(string text, string code, string words)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "table.json"), text);
        var fault = TableFile.Read(Path.Combine(_folder.FullName, "table.json")).Match(static _ => throw new InvalidOperationException("it is read"), static fault => fault);
        Assert.Equal(code, fault.Code);
        Assert.Contains(words, fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_tables_of_the_repository_are_read()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Repository.Root, "bench", "tables"), "*.json").ToList();
        Assert.NotEmpty(files);
        Assert.All(files, static file => Assert.True(File.Exists(Recording.Require(TableFile.Read(file)).Config)));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private TableFile Table(string text)
    {
        var path = Path.Combine(_folder.FullName, "table.json");
        File.WriteAllText(path, text);
        return Recording.Require(TableFile.Read(path)) with { Runs = _folder.FullName };
    }

    private static IEnumerable<string> Ready(TableFile table) => Recording.Require(TableBench.Ready(table)).Select(static run => run.Name);

    // A run of two steps with an evaluation before and one behind them, and a preview with half of its rewards.
    private void Finish(string name, double clip, double before = 0)
    {
        var folder = _folder.CreateSubdirectory(name).FullName;
        string Evaluation(int step, double value) => string.Create(CultureInfo.InvariantCulture, $$"""
            {"kind":"evaluation","step":{{step}},"rewards":{"clip":{{Json(value)}},"judge":1},"tasks":{},"measures":{},"images":1,"samples":[],"timings":{"seconds":1} }
            {"kind":"preview","step":{{step}},"preview":"4-steps","size":"64x64","samplingSteps":4,"guidance":1,"rewards":{"clip":{{Json(value / 2)}},"judge":1},"tasks":{},"measures":{},"images":1,"evaluations":4,"samples":[],"timings":{"seconds":1} }
            """);
        string Step(int step) => string.Create(CultureInfo.InvariantCulture, $$"""
            {"kind":"step","step":{{step}},"loss":1,"rewards":{"clip":1},"gradientNorm":1,"rate":1,"updates":1,"skipped":0,"evaluations":10,"gradientEvaluations":3,"measurements":{},"choices":{},"timings":{"seconds":1.5,"stages":{} } }
            """);
        File.WriteAllText(Path.Combine(folder, "metrics.jsonl"), string.Join('\n', Evaluation(0, before), Step(1), Step(2), Evaluation(2, clip), ""));
        File.WriteAllText(Path.Combine(folder, "plugins.resolved.json"), """{ "run": { "batch": 2 } }""");
        File.WriteAllText(Path.Combine(folder, "run.json"), """{ "program": "0", "started": "2026-01-01T00:00:00+00:00", "updated": "2026-01-01T00:00:00+00:00", "state": "Completed", "fault": null, "environment": {}, "warnings": [] }""");
    }

    private static string Json(double value) => double.IsNaN(value) ? "\"NaN\"" : value.ToString("R", CultureInfo.InvariantCulture);
}
