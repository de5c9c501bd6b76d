using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests.Interruptions;

/// <summary>Runs of the built program with rewards that go wrong.</summary>
public sealed class GuardTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public GuardTests()
    {
        _workspace.AddTestPlugin("unruly");
        _workspace.Json["run"] = new JsonObject { ["name"] = "guarded", ["steps"] = 6, ["batch"] = 2, ["threads"] = 1 };
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 2 };
    }

    [Fact]
    public void A_number_that_is_not_finite_ends_the_run_with_a_checkpoint_of_the_step_before_and_is_named()
    {
        Moody("nan", at: 4);
        var outcome = _workspace.Leapalign("train");
        Assert.Equal(6, outcome.ExitCode);
        Assert.Matches("error LA5003: step 4: loss NaN.*the first that is not finite is the reward 'moody' of '[a-z ]+'; the run ends before the update", outcome.Error);
        Assert.True(Directory.Exists(_workspace.At("runs", "guarded", "checkpoints", "step-000003")));
        Assert.True(File.Exists(_workspace.At("runs", "guarded", "faults", "step-000004.json")));
        Assert.Equal(0, _workspace.Leapalign("checkpoint", "verify", _workspace.At("runs", "guarded")).ExitCode);
        // Ends as it ended, and with the reward mended as if nothing had been.
        Moody("nan", at: 0);
        var resumed = _workspace.Leapalign("train", "--resume", _workspace.At("runs", "guarded"), "--allow-change", "rewards.moody.settings.at");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(0, _workspace.Leapalign("train", "--name", "never").ExitCode);
        Digest.AssertSame(_workspace.At("runs", "never"), _workspace.At("runs", "guarded"));
    }

    [Fact]
    public void A_null_reference_in_a_reward_of_a_bfloat16_run_is_a_fault_and_leaves_a_valid_checkpoint()
    {
        _workspace.Json["run"]!["dtype"] = "bfloat16";
        Moody("null", at: 3);
        var outcome = _workspace.Leapalign("train");
        // On a processor with AMX, without a larger stack for signals: 139 and no word.
        Assert.True(outcome.ExitCode == 6, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.Contains("error LA5004: reward 'moody' threw NullReferenceException while scoring", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("Faulted", (string)JsonNode.Parse(File.ReadAllText(_workspace.At("runs", "guarded", "run.json")))!["state"]!);
        Assert.True(Directory.Exists(_workspace.At("runs", "guarded", "checkpoints", "step-000002")));
        Assert.Equal(0, _workspace.Leapalign("checkpoint", "verify", _workspace.At("runs", "guarded")).ExitCode);
    }

    [Theory]
    [InlineData("nan", 1, 0)]
    [InlineData("nan", 2, 0)]
    [InlineData("nan", 3, 6)]
    public void Updates_are_left_out_within_bounds(string mood, int times, int exitCode)
    {
        Moody(mood, at: 3, times);
        _workspace.Json["guard"] = new JsonObject { ["notFinite"] = "skip", ["skips"] = 2 };
        _workspace.Save();
        var outcome = _workspace.Leapalign("train");
        Assert.Equal(exitCode, outcome.ExitCode);
        Assert.Contains("warning LA5003: step 3", outcome.Error, StringComparison.Ordinal);
        var steps = _workspace.Lines("guarded", "step");
        Assert.Equal(exitCode == 0 ? 6 : 4, steps.Length);
        Assert.Equal(Math.Min(times, 2), steps.Sum(static step => (int)step["skipped"]!));
        Assert.Equal(steps.Length - Math.Min(times, 2), steps.Sum(static step => (int)step["updates"]!));
        Assert.Equal(Math.Min(times, 2), _workspace.Lines("guarded", "warning").Length);
    }

    [Fact]
    public void A_spike_is_left_out()
    {
        Moody("spike", at: 5);
        _workspace.Json["guard"] = new JsonObject { ["spike"] = 50, ["window"] = 8 };
        _workspace.Save();
        var outcome = _workspace.Leapalign("train");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Matches("warning LA5011: step 5: the gradient norm .* times the median of the last 4; the update was left out", outcome.Error);
    }

    [Theory]
    [InlineData("outside", "LA6006", "reward 'moody' gave")]
    [InlineData("throw", "LA5004", "reward 'moody' threw InvalidOperationException while scoring: not today")]
    [InlineData("hang", "LA5012", "the stage 'score' of 'moody' has taken")]
    public void A_reward_that_leaves_its_range_throws_or_hangs_is_named_and_the_run_goes_on_after_it_is_mended(string mood, string code, string words)
    {
        Moody(mood, at: 4);
        // Only where it is waited for, and long enough for the first stages on a busy machine.
        if (mood == "hang") _workspace.Json["guard"] = new JsonObject { ["stageSeconds"] = 20 };
        _workspace.Save();
        var outcome = _workspace.Leapalign("train", "--verbose");
        Assert.Equal(6, outcome.ExitCode);
        Assert.Contains($"error {code}", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
        var record = JsonNode.Parse(File.ReadAllText(_workspace.At("runs", "guarded", "run.json")))!;
        Assert.Equal("Faulted", (string)record["state"]!);
        Assert.StartsWith(code, (string)record["fault"]!, StringComparison.Ordinal);
        // Where it was thrown, in a plugin that is unloaded by then.
        if (mood == "throw") Assert.Matches(@"LA5004: System\.InvalidOperationException: not today\s+at TestPlugins\.", outcome.Error);
        var resumed = _workspace.Leapalign("train", "--resume", "latest", "--set", "rewards.moody.settings.at=0", "--allow-change", "rewards.moody");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
    }

    [Fact]
    public void What_a_reward_keeps_is_part_of_the_checkpoint()
    {
        _workspace.Json["rewards"] = new JsonArray("counting");
        _workspace.Save();
        Assert.Equal(0, _workspace.Leapalign("train", "--name", "whole").ExitCode);
        Assert.Equal(0, _workspace.Leapalign("train", "--name", "resumed", "--set", "run.steps=3").ExitCode);
        var resumed = _workspace.Leapalign("train", "--resume", _workspace.At("runs", "resumed"), "--set", "run.steps=6", "--allow-change", "run.steps");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Digest.AssertSame(_workspace.At("runs", "whole"), _workspace.At("runs", "resumed"));
    }

    public void Dispose() => _workspace.Dispose();

    private void Moody(string mood, int at, int times = 1)
    {
        _workspace.Json["rewards"] = new JsonArray(new JsonObject { ["id"] = "moody", ["settings"] = new JsonObject { ["mood"] = mood, ["at"] = at, ["times"] = times } });
        _workspace.Save();
    }
}
