using System.Text.Json.Nodes;

namespace LeapAlign.Integration.Tests.Surroundings;

/// <summary>Standard output and error that cannot be written: a device that is full, and descriptors that are closed.</summary>
public sealed class StandardStreamTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData(">/dev/full 2>/dev/full")]
    [InlineData("<&- >&- 2>&-")]
    public void A_run_goes_on_in_silence(string streams)
    {
        // A caption that is cut is a warning, and the last stage prints a table.
        _workspace.Write("train.txt", string.Join(' ', Enumerable.Repeat("word", 100)));
        var outcome = Shell($"\"$0\" train --set run.steps=1 {streams}; echo $?");
        Assert.Equal("0\n", outcome.Output);
        Assert.True(File.Exists(_workspace.At("runs", "small", "report.html")));
        Assert.True(Directory.Exists(_workspace.At("runs", "small", "export")));
        // Nothing that was printed, by native code either, came into a file that got the number of a closed stream.
        Assert.Equal(3, _workspace.Lines("small").Length);
    }

    [Fact]
    public void A_verb_whose_result_is_what_it_prints_ends_with_a_fault()
    {
        var outcome = Shell("""
            "$0" list >/dev/full; echo $?
            "$0" validate >&-; echo $?
            "$0" --help >/dev/full; echo $?
            "$0" no-such-verb 2>/dev/full; echo $?
            "$0" no-such-verb 2>&-; echo $?
            "$0" schema -o schema.json >/dev/full; echo $?
            "$0" list | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}
            """);
        Assert.Equal(["6", "6", "6", "2", "2", "0", "0"], outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(3, outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.All(outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), static line => Assert.StartsWith("error LA5002: standard output could not be written: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public void What_a_plugin_prints_moves_no_cursor()
    {
        _workspace.AddTestPlugin("unruly");
        _workspace.Json["rewards"] = new JsonArray(new JsonObject { ["id"] = "moody", ["settings"] = new JsonObject { ["mood"] = "print", ["at"] = 1 } });
        _workspace.Json["evaluation"]!["every"] = -1;
        _workspace.Save();
        var outcome = _workspace.Leapalign("train", "--set", "run.steps=1");
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Contains("printed \\u001b[2J\\u001b]0;mine\\u0007\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("said \\u001b[31m\n", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', outcome.Output + outcome.Error);
    }

    private Outcome Shell(string script)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("descriptors and /dev/full are of Linux");
        using var process = BuiltHost.Start(_workspace.Folder, "bash", "-c", script, BuiltHost.Program);
        return BuiltHost.Finish(process);
    }
}
