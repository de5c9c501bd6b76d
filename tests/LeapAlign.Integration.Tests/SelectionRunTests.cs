using System.Text.Json.Nodes;
using LeapAlign.Integration.Tests.Interruptions;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>Runs of the built program with a selector beside the model, with optimizers and objectives of this kind, and with methods that learn from pictures: whether they go on to the same bytes, what they draw and what they refuse.</summary>
public sealed class SelectionRunTests : IDisposable
{
    private const string Selecting = """{"id": "dro-em", "settings": {"fragments": ["red", "green", "star"], "join": " ", "samples": 3, "features": 8, "selectorRate": 0.1""";

    private readonly Workspace _workspace = new();

    public SelectionRunTests()
    {
        _workspace.Json["run"] = new JsonObject { ["name"] = "small", ["steps"] = 4, ["batch"] = 2, ["threads"] = 1, ["dtype"] = "float32" };
        _workspace.Json["prompts"] = new JsonObject { ["id"] = "shapes", ["settings"] = new JsonObject { ["captions"] = 12, ["pictures"] = "drawn" } };
        _workspace.Json["optimizer"] = new JsonObject { ["id"] = "adamw", ["settings"] = new JsonObject { ["rate"] = 1e-3 } };
        _workspace.Json["rewards"] = JsonNode.Parse("""[ { "id": "jpeg-size", "name": "size" } ]""");
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 2, ["keep"] = 4 };
        _workspace.Save();
    }

    // Two steps into an iteration of three, where the copy that draws is neither the selector's nor the beginning's.
    [Theory]
    [InlineData("marginal", "algorithm=" + Selecting + """, "iteration": 3}}""")]
    [InlineData("drift_own_length", "algorithm=" + Selecting + "}}", """optimizer={"id": "sgd", "settings": {"rate": 0.01}}""", """objectives=[{"id": "drift", "settings": {"rate": 0.01, "ownRate": 0.1}}]""")]
    [InlineData("reward", "algorithm=" + Selecting + """, "evidence": "online"}}""")]
    [InlineData("dal_curvature", "algorithm=sft", """optimizer={"id": "dal", "settings": {"momentum": 0.5, "rateMax": 0.01}}""")]
    [InlineData("margin_fake", """algorithm={"id": "ddo", "settings": {"fakes": "generated"}}""", "run.reference=true")]
    [InlineData("log_ratio", "algorithm=copg", "run.reference=true", "SCORED")]
    [InlineData("selector_loss", "algorithm=" + Selecting + """, "picks": 2, "train": "selector"}}""")]
    public void A_run_that_goes_on_in_the_middle_makes_the_same_bytes(string measured, params string[] sets)
    {
        var scored = $$$"""prompts={"id": "scored", "settings": {"path": "{{{Path.Combine(Repository.Models, "scored", "shapes-scored.jsonl")}}}"}}""";
        string[] settings = [.. sets.SelectMany(each => new[] { "--set", each == "SCORED" ? scored : each })];
        Succeed(["train", "--name", "whole", .. settings]);
        Repository.CopyFolder(Run("whole"), Run("cut"));
        foreach (var later in new[] { "step-000003", "step-000004" }.Select(name => Path.Combine(Run("cut"), "checkpoints", name)).Where(Directory.Exists)) Directory.Delete(later, recursive: true);
        Directory.Delete(Path.Combine(Run("cut"), "export"), recursive: true);
        Assert.Contains("resumed from step-000002", Succeed(["train", "--resume", Run("cut"), .. settings]).Output, StringComparison.Ordinal);
        Digest.AssertSame(Run("whole"), Run("cut"));
        Assert.True(double.IsFinite((double)_workspace.Lines("whole", "step")[^1]["measurements"]![measured]!));
    }

    [Fact]
    public void An_evaluation_draws_the_likeliest_selection_and_asks_about_the_prompts_own_caption()
    {
        // Sizes do not depend on captions, so that they tell what was drawn.
        string[] selecting = ["--set", "algorithm=" + Selecting + """, "train": "generator"}}""", "--set", "evaluation.every=4", "--set", "evaluation.samples=2"];
        Succeed(["train", "--name", "selecting", .. selecting]);
        Succeed("train", "--name", "plain", "--set", "algorithm=sft", "--set", "evaluation.every=4");
        _workspace.Write("eval.txt", "a circle red\na pink star red\n");
        Succeed("train", "--name", "written", "--set", "algorithm=sft", "--set", "evaluation.every=4");
        Assert.Equal(Size("written"), Size("selecting"));
        Assert.NotEqual(Size("plain"), Size("selecting"));

        double Size(string run) => (double)_workspace.Lines(run, "evaluation")[0]["rewards"]!["size"]!;
    }

    [Fact]
    public void A_selector_without_fragments_is_refused()
    {
        foreach (var (fragments, exitCode, words) in new[] { ("[]", 2, "LA1005: --set algorithm.settings.fragments: an empty list"), ("""["red"]""", 2, "LA1005"), ("""["red", "red"]""", 4, "LA3003: --set algorithm: dro-em: 'red' is there twice") })
        {
            var refused = _workspace.Leapalign("train", "--set", $$$"""algorithm={"id": "dro-em", "settings": {"fragments": {{{fragments}}}}}""");
            Assert.Equal(exitCode, refused.ExitCode);
            Assert.Contains(words, refused.Error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(Run("small")));
        }
        // It has some to begin with, so that one word takes it.
        var bare = _workspace.Leapalign("validate", "--set", "algorithm=dro-em");
        Assert.True(bare.ExitCode == 0, bare.Error);
    }

    [Fact]
    public void Drift_asks_for_two_players_and_plain_descent()
    {
        const string drift = """objectives=[{"id": "drift", "settings": {"rate": 0.01}}]""";
        var refused = _workspace.Leapalign("validate", "--set", "algorithm=sft", "--set", drift);
        Assert.Equal(4, refused.ExitCode);
        Assert.Contains("LA3002", refused.Error, StringComparison.Ordinal);
        Assert.Contains("requires 'players', which the algorithm 'sft' does not provide", refused.Error, StringComparison.Ordinal);
        Assert.Contains("requires 'plain-descent', which the optimizer 'adamw' does not provide ('sgd' does)", refused.Error, StringComparison.Ordinal);
        // Weights that wait inside an iteration are no player.
        var waiting = _workspace.Leapalign("validate", "--set", "algorithm=" + Selecting + """, "iteration": 2}}""", "--set", "optimizer=sgd", "--set", drift);
        Assert.Contains("requires 'players'", waiting.Error, StringComparison.Ordinal);
        Assert.Equal(0, _workspace.Leapalign("validate", "--set", "algorithm=" + Selecting + "}}", "--set", "optimizer=sgd", "--set", drift).ExitCode);
    }

    public void Dispose() => _workspace.Dispose();

    private string Run(string name) => _workspace.At("runs", name);

    private Outcome Succeed(params string[] arguments)
    {
        var outcome = _workspace.Leapalign(arguments);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        return outcome;
    }
}
