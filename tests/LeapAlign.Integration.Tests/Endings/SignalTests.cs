using System.Diagnostics;
using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests.Endings;

/// <summary>Runs of the built program that are told to stop.</summary>
public sealed class SignalTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public SignalTests()
    {
        _workspace.Json["run"] = new JsonObject { ["name"] = "told", ["steps"] = 100_000, ["batch"] = 2 };
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = 100_000 };
        _workspace.Save();
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("TERM")]
    [InlineData("INT")]
    public void The_first_signal_ends_the_run_after_its_step_with_everything(string signal)
    {
        // A shell that runs the tests in the background makes its children deaf to interrupts, and nohup to hang-ups; this undoes it.
        using var process = BuiltHost.Start(_workspace.Folder, "env", "--default-signal", BuiltHost.Program, "train");
        var outcome = Tell(process, signal);
        Assert.True(outcome.ExitCode == 130, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.Contains("stopping after this step", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("Interrupted", (string)JsonNode.Parse(File.ReadAllText(_workspace.At("runs", "told", "run.json")))!["state"]!);
        Assert.NotEmpty(Directory.GetDirectories(_workspace.At("runs", "told", "checkpoints"), "step-*"));
        Assert.True(File.Exists(_workspace.At("runs", "told", "export", "model_index.json")));
    }

    [Fact]
    public void Who_asked_for_a_run_that_goes_on_without_its_terminal_gets_it()
    {
        _workspace.Json["run"]!["steps"] = 6;
        _workspace.Save();
        using var process = BuiltHost.Start(_workspace.Folder, "env", "--ignore-signal=HUP", BuiltHost.Program, "train");
        var outcome = Tell(process, "HUP");
        Assert.True(outcome.ExitCode == 0, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.Equal("Completed", (string)JsonNode.Parse(File.ReadAllText(_workspace.At("runs", "told", "run.json")))!["state"]!);
    }

    public void Dispose() => _workspace.Dispose();

    private static Outcome Tell(Process process, string signal)
    {
        string? line;
        do line = process.StandardOutput.ReadLine();
        while (line?.StartsWith("step 2/", StringComparison.Ordinal) == false);
        Assert.NotNull(line);
        using (var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"])) kill.WaitForExit();
        return BuiltHost.Finish(process);
    }
}
