using System.Text.Json.Nodes;
using LeapAlign.Integration.Tests.Interruptions;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>Runs of the built program with drafted steps and learnt gradients: whether they go on to the same bytes, and what they refuse.</summary>
public sealed class SurrogateRunTests : IDisposable
{
    private static readonly string s_teacher = $$$"""teacher={"id": "sd3", "settings": {"folder": "{{{Workspace.Model}}}", "quantization": "int8", "quantizationCache": "quantized"}}""";

    private readonly Workspace _workspace = new();

    public SurrogateRunTests()
    {
        _workspace.Json["run"] = new JsonObject { ["name"] = "small", ["steps"] = 4, ["batch"] = 4, ["threads"] = 1 };
        _workspace.Json["optimizer"] = new JsonObject { ["id"] = "adamw", ["settings"] = new JsonObject { ["rate"] = 1e-3 } };
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 2, ["keep"] = 4 };
        _workspace.Json["rewards"] = JsonNode.Parse("""
            [
              { "id": "surrogate-attack", "name": "attacked", "settings": { "of": ["size"], "every": 1, "updates": 20, "batch": 8, "capacity": 12, "size": 16, "width": 8 } },
              { "id": "jpeg-size", "name": "size", "role": "heldOut" }
            ]
            """);
        _workspace.Save();
    }

    [Theory]
    [InlineData("guard.fallen=undo")]
    [InlineData("algorithm=draft-tvd", "rewards.attacked.settings.guarded=false", "sampler={\"id\": \"speculative\", \"settings\": {\"drafter\": \"model\", \"steps\": 5}}", "TEACHER")]
    [InlineData("algorithm={\"id\": \"flow-grpo\", \"settings\": {\"klWeight\": 0, \"updates\": 1}}", "rewards.attacked.settings.guarded=false", "run.group=2", "sampler={\"id\": \"speculative\", \"settings\": {\"drafter\": \"teacher\", \"steps\": 5}}", "TEACHER")]
    public void A_run_that_goes_on_in_the_middle_makes_the_same_bytes(params string[] sets)
    {
        string[] settings = [.. sets.SelectMany(static each => new[] { "--set", each == "TEACHER" ? s_teacher : each })];
        Succeed(["train", "--name", "whole", .. settings]);
        Repository.CopyFolder(Run("whole"), Run("cut"));
        foreach (var later in new[] { "step-000003", "step-000004" }.Select(name => Path.Combine(Run("cut"), "checkpoints", name)).Where(Directory.Exists)) Directory.Delete(later, recursive: true);
        Directory.Delete(Path.Combine(Run("cut"), "export"), recursive: true);
        Assert.Contains("resumed from step-000002", Succeed(["train", "--resume", Run("cut"), .. settings]).Output, StringComparison.Ordinal);
        Digest.AssertSame(Run("whole"), Run("cut"));
        var measured = _workspace.Lines("whole", "step")[^1]["measurements"]!;
        foreach (var name in sets[0].StartsWith("guard", StringComparison.Ordinal) ? ["attacked_error", "attacked_kept", "kept_updates", "rewards_after"] : new[] { "target_calls", "draft_accepted" })
            Assert.True(double.IsFinite((double)measured[name]!), name);
    }

    [Fact]
    public void What_a_surrogate_keeps_is_in_the_checkpoint_and_what_it_follows_moves_the_model()
    {
        Succeed("train", "--set", "guard.fallen=undo");
        using var state = Recording.Require(SafetensorsFile.Open(Path.Combine(Directory.GetDirectories(Path.Combine(Run("small"), "checkpoints")).Order(StringComparer.Ordinal).Last(), "reward.attacked.safetensors")));
        Assert.Equal([12, 3, 16, 16], state.Entries["pictures"].Shape);
        var steps = _workspace.Lines("small", "step");
        // The first step has nothing to follow; later ones have.
        Assert.Equal(0, (double)steps[0]["gradientNorm"]!);
        Assert.True((double)steps[1]["gradientNorm"]! > 0);
    }

    [Fact]
    public void A_surrogate_asks_for_the_guard_and_the_guard_for_a_step_that_can_be_asked_for_again()
    {
        var unguarded = _workspace.Leapalign("validate");
        Assert.Equal(4, unguarded.ExitCode);
        Assert.Contains("LA3002", unguarded.Error, StringComparison.Ordinal);
        Assert.Contains("'fallen-undone'", unguarded.Error, StringComparison.Ordinal);
        Assert.Contains("--set guard.fallen=undo", unguarded.Error, StringComparison.Ordinal);
        Assert.Equal(0, _workspace.Leapalign("validate", "--set", "guard.fallen=undo").ExitCode);
        var sampled = _workspace.Leapalign("train", "--set", "guard.fallen=undo", "--set", "sampler=flow-sde", "--set", "run.group=2", "--set", """algorithm={"id": "flow-grpo", "settings": {"klWeight": 0, "updates": 1}}""");
        Assert.Equal(4, sampled.ExitCode);
        Assert.Contains("LA3016", sampled.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Run("small")));
        var weights = _workspace.Leapalign("train", "--set", "guard.fallen=undo", "--set", "rewards.attacked.settings.weights=[1, 2]");
        Assert.Equal(2, weights.ExitCode);
        Assert.Contains("LA1025", weights.Error, StringComparison.Ordinal);
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
