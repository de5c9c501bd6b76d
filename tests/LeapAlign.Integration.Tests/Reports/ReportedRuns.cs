using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests.Reports;

/// <summary>Two short runs of the built program, made once for the tests of what they wrote.</summary>
public sealed class ReportedRuns : IDisposable
{
    /// <summary>The tests that share them.</summary>
    public const string Collection = "reported runs";

    private readonly Workspace _workspace = new();

    public ReportedRuns()
    {
        _workspace.Write("train.jsonl", $$"""
            {"prompt": "a red circle"}
            {"prompt": "two blue squares"}
            {"prompt": "{{string.Concat(Enumerable.Repeat("a red circle and ", 200))}}"}
            """);
        _workspace.Write("eval.jsonl", """
            {"tag": "single", "prompt": "a circle"}
            {"tag": "colors", "prompt": "a pink star & a <green> \"ring\""}
            {"tag": "colors", "prompt": "a blue cross"}
            """);
        Train("first", "run.steps=4", "run.seed=0");
        Train("second", "run.steps=3", "run.seed=1", "algorithm=refl", "run.tensorBoard=false");
    }

    /// <summary>A path in the folder of a run.</summary>
    public string At(string run, params string[] parts) => _workspace.At(["runs", run, .. parts]);

    /// <summary>The lines of metrics.jsonl of a kind.</summary>
    public IReadOnlyList<JsonNode> Lines(string run, string kind) => _workspace.Lines(run, kind);

    /// <summary>Both runs in one report.</summary>
    public string SideBySide()
    {
        var output = _workspace.At("both.html");
        var outcome = _workspace.Leapalign("report", At("first"), At("second"), "--output", output);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return output;
    }

    public void Dispose() => _workspace.Dispose();

    private void Train(string name, params string[] overrides)
    {
        var prompts = new[] { "prompts.settings.path=train.jsonl", "evaluation.prompts.settings.path=eval.jsonl" };
        var outcome = _workspace.Leapalign(["train", "--name", name, .. prompts.Concat(overrides).SelectMany(static value => new[] { "--set", value })]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
    }
}

[CollectionDefinition(ReportedRuns.Collection)]
public sealed class ReportedRunsTests : ICollectionFixture<ReportedRuns>;
