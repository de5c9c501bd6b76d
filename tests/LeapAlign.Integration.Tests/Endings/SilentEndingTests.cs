using System.Diagnostics;
using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests.Endings;

/// <summary>Processes of the built program that end without being asked.</summary>
public sealed class SilentEndingTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public SilentEndingTests()
    {
        _workspace.AddTestPlugin("unruly");
        _workspace.Json["run"] = new JsonObject { ["name"] = "ended", ["steps"] = 100_000, ["batch"] = 2 };
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 1 };
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("SEGV")]
    public void A_run_that_is_killed_says_so_and_where_it_was(string signal)
    {
        Moody("nan", at: 0);
        using var process = BuiltHost.Start(_workspace.Folder, BuiltHost.Program, "train");
        WaitForCheckpoint(process);
        // The runtime lets one go that nothing in the process has caused, and two that wait at the same time are one.
        Send(signal, process.Id);
        for (var time = 0; time < 300 && !process.WaitForExit(TimeSpan.FromMilliseconds(100)); time++) Send(signal, process.Id);
        var outcome = BuiltHost.Finish(process);
        Assert.Matches(@"error LA5015: \S+: the process of the run ended without a word \(.+\), in the stage '\w+'( of 'moody')?, step [1-9]", outcome.Error);
        AssertDied("LA5015");
        // And goes on, as every run.
        var resumed = _workspace.Leapalign("train", "--resume", "latest", "--set", "run.steps=4", "--allow-change", "run.steps");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal("Completed", (string)Record()["state"]!);
    }

    [Theory]
    [InlineData("overflow", "Stack overflow")]
    [InlineData("crash", "")]
    [InlineData("abort", "")]
    [InlineData("give up", "not this way")]
    [InlineData("background", "it threw InvalidOperationException: behind your back")]
    public void A_reward_that_takes_the_process_with_it_is_named(string mood, string words)
    {
        Moody(mood, at: 4);
        var outcome = _workspace.Leapalign("train");
        Assert.NotInRange(outcome.ExitCode, 0, 127);
        Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
        Assert.Matches(@"error LA5015: \S+: the process of the run ended without a word \(.+\), in the stage 'score' of 'moody', step 4", outcome.Error);
        AssertDied("in the stage 'score' of 'moody', step 4");
        Assert.Equal(0, _workspace.Leapalign("checkpoint", "verify", _workspace.At("runs", "ended")).ExitCode);
    }

    [Fact]
    public void A_reward_that_leaves_as_if_all_were_well_does_not_look_like_a_run_that_came_to_its_end()
    {
        Moody("leave", at: 4);
        var outcome = _workspace.Leapalign("train");
        Assert.True(outcome.ExitCode == 70, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.Contains("error LA5015", outcome.Error, StringComparison.Ordinal);
        AssertDied("(exit code 70), in the stage 'score' of 'moody', step 4; a part of the run told the process to exit");
    }

    [Fact]
    public void What_a_run_exits_with_is_known_also_when_its_process_is_gone_before_the_witness_looks()
    {
        Moody("leave", at: 40);
        using var process = BuiltHost.Start(_workspace.Folder, BuiltHost.Program, "train");
        WaitForCheckpoint(process);
        var witness = Assert.Single(Children(process.Id));
        Send("STOP", witness);
        process.StandardOutput.ReadToEnd();
        // .NET asks the system how it ended, after which nobody else can.
        process.WaitForExit();
        Assert.False(Directory.Exists($"/proc/{process.Id}"));
        Send("CONT", witness);
        var error = process.StandardError.ReadToEnd();
        Assert.True(process.ExitCode == 70, $"{process.ExitCode}: {error}");
        AssertDied("(exit code 70), in the stage 'score' of 'moody', step 40; a part of the run told the process to exit");
    }

    [Fact]
    public void A_run_that_is_killed_with_its_witness_is_seen_to_have_died()
    {
        Moody("nan", at: 0);
        using var process = BuiltHost.Start(_workspace.Folder, BuiltHost.Program, "train");
        WaitForCheckpoint(process);
        foreach (var child in Children(process.Id)) Send("KILL", child);
        Send("KILL", process.Id);
        var outcome = BuiltHost.Finish(process);
        Assert.DoesNotContain("LA5015", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("Running", (string)Record()["state"]!);
        var reported = _workspace.Leapalign("report", _workspace.At("runs", "ended"));
        Assert.True(reported.ExitCode == 0, reported.Error);
        Assert.Contains("\"state\":\"Died\"", File.ReadAllText(_workspace.At("runs", "ended", "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_crash_leaves_a_dump_where_that_was_asked_for()
    {
        Moody("give up", at: 1);
        var outcome = _workspace.Leapalign("train", "--crash-dump");
        var place = outcome.Output.Split('\n').Single(static line => line.StartsWith("a crash leaves ", StringComparison.Ordinal))["a crash leaves ".Length..].Trim();
        Assert.True(new FileInfo(place) is { Exists: true, Length: > 0 }, outcome.Error);
        Assert.Equal(_workspace.Folder, Path.GetDirectoryName(place));
    }

    [Fact]
    public void A_file_at_the_limit_of_its_size_is_a_write_that_fails()
    {
        Moody("nan", at: 0);
        // Enough for the runtime, not for a checkpoint.
        using var process = BuiltHost.Start(_workspace.Folder, "/bin/sh", "-c", $"ulimit -f {Blocks}; exec '{BuiltHost.Program}' train");
        var outcome = BuiltHost.Finish(process);
        Assert.True(outcome.ExitCode == 6, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.Contains("error LA5002", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_is_refused_is_named()
    {
        Moody("greedy", at: 2);
        var outcome = _workspace.Leapalign("train");
        Assert.True(outcome.ExitCode == 6, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.Contains("error LA5016: the reward 'moody' ran out of memory: ", outcome.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _workspace.Dispose();

    private const int Blocks = 10_000;

    private JsonNode Record() => JsonNode.Parse(File.ReadAllText(_workspace.At("runs", "ended", "run.json")))!;

    private void AssertDied(string words)
    {
        Assert.Equal("Died", (string)Record()["state"]!);
        var said = (string)Record()["fault"]!;
        Assert.True(said.Contains(words, StringComparison.Ordinal), said);
        Assert.NotEmpty(Record()["environment"]!.AsObject());
    }

    private void Moody(string mood, int at)
    {
        _workspace.Json["rewards"] = new JsonArray(new JsonObject { ["id"] = "moody", ["settings"] = new JsonObject { ["mood"] = mood, ["at"] = at } });
        _workspace.Save();
    }

    // Checkpoints are written beside the steps: a step that is printed says nothing of its own.
    private void WaitForCheckpoint(Process process)
    {
        var checkpoints = _workspace.At("runs", "ended", "checkpoints");
        while (!Directory.Exists(checkpoints) || !Directory.EnumerateDirectories(checkpoints, "step-*").Any())
            Assert.True(process.StandardOutput.ReadLine() is not null, "the run ended before its first checkpoint");
    }

    private static void Send(string signal, int process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process}"]);
        kill.WaitForExit();
    }

    private static List<int> Children(int process) =>
        [.. Directory.GetDirectories($"/proc/{process}/task").SelectMany(static thread => File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(int.Parse)];
}
