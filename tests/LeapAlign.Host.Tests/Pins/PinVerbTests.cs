using LeapAlign.Host.Pins;
using LeapAlign.Host.Tests.Commands;

namespace LeapAlign.Host.Tests.Pins;

/// <summary><c>leapalign pin</c>.</summary>
public sealed class PinVerbTests : IDisposable
{
    private const string Commented = """
        {
          // Which model.
          "model": {
            "id": "canvas",
            "settings": { "folder": "m" }
          },
          "prompts": "lines",
          "sampler": { "id": "euler", "settings": { "steps": 3, }, }, /* enough */
          "algorithm": "direct",
          "rewards": ["smooth", { "name": "judge", "role": "heldOut", "id": "flat" }],
          "optimizer": "descent",
          "evaluation": { "prompts": "lines" }
        }

        """;

    private readonly TestWorkspace _workspace = new TestWorkspace().Write(Commented);

    public PinVerbTests() => _workspace.Drop("parts");

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void Pins_are_written_once_hold_and_come_out_again()
    {
        var pin = PluginFingerprint.Of(_workspace.Catalog().Plugins[0]).Value();
        Assert.Contains("wrote", Run(0, "pin").Output, StringComparison.Ordinal);
        var pinned = Text;
        Assert.Equal(8, pinned.Split(pin).Length - 1);
        Assert.Contains($"\"id\": \"canvas\",\n    \"sha256\": \"{pin}\",\n    \"settings\"", pinned, StringComparison.Ordinal);
        Assert.Contains("/* enough */", pinned, StringComparison.Ordinal);
        Assert.Equal(pin, _workspace.Compose().Value().Model.Pin);

        var written = File.GetLastWriteTimeUtc(_workspace.Config);
        Assert.Contains("nothing was written", Run(0, "pin").Output, StringComparison.Ordinal);
        Assert.Equal((pinned, written), (Text, File.GetLastWriteTimeUtc(_workspace.Config)));

        Run(0, "pin", "--remove");
        Assert.Equal(Commented, Text);
        Assert.Contains("nothing was written", Run(0, "pin", "--remove").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_names_every_part_that_differs_and_writes_nothing()
    {
        var unpinned = Run(3, "pin", "--check");
        Assert.Equal(8, unpinned.Error.Split("error LA2008: ").Length - 1);
        Assert.Contains("(9,3) algorithm: plugin 'parts' is not pinned", unpinned.Error, StringComparison.Ordinal);
        Assert.Equal(Commented, Text);

        Run(0, "pin");
        Assert.Contains("all 8 parts are pinned", Run(0, "pin", "--check").Output, StringComparison.Ordinal);
        var pin = PluginFingerprint.Of(_workspace.Catalog().Plugins[0]).Value();
        var text = Text;
        var at = text.LastIndexOf(pin, StringComparison.Ordinal);
        _workspace.Write(string.Concat(text.AsSpan(0, at), new string('0', 64), text.AsSpan(at + 64)));
        var error = Run(3, "pin", "--check").Error;
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains($"evaluation.prompts.sha256: plugin 'parts' has the SHA-256 {pin}, which is not the one that is pinned", error, StringComparison.Ordinal);

        Assert.Contains("1 of 8 parts changed", Run(0, "pin").Output, StringComparison.Ordinal);
        Assert.Equal(text, Text);
    }

    [Fact]
    public void Nothing_of_a_plugin_runs()
    {
        _workspace.Drop("throws-in-constructor");
        _workspace.Write(Commented.Replace("\"smooth\"", "\"never-made\"", StringComparison.Ordinal));
        Run(0, "pin");
        Assert.DoesNotContain("LA2007", Run(0, "pin", "--check").Error, StringComparison.Ordinal);
        Assert.Contains("LA2007", Run(3, "validate").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, "LA2001", "did you mean 'euler'?", "\"euler\"", "\"eular\"")]
    [InlineData(2, "LA1003", "'shar256'", "\"id\": \"euler\"", "\"id\": \"euler\", \"shar256\": \"\"")]
    [InlineData(2, "LA1008", "sampler.sha256", "\"id\": \"euler\"", "\"id\": \"euler\", \"sha256\": \"no\"")]
    [InlineData(2, "LA1004", "prompts", "\"prompts\": \"lines\",", "\"prompts\": 3,")]
    [InlineData(2, "LA1002", "not JSON", "\"optimizer\"", "optimizer")]
    [InlineData(2, "LA1003", "'optimiser'", "\"optimizer\"", "\"optimiser\"")]
    public void A_file_that_is_not_understood_is_left_alone(int code, string fault, string words, string what, string replacement)
    {
        var text = Commented.Replace(what, replacement, StringComparison.Ordinal);
        Assert.NotEqual(Commented, text);
        _workspace.Write(text);
        var error = Run(code, "pin").Error;
        Assert.StartsWith($"error {fault}", error, StringComparison.Ordinal);
        Assert.Contains(words, error, StringComparison.Ordinal);
        Assert.Equal(text, Text);
    }

    [Theory]
    [InlineData("give one of them", "--check", "--remove")]
    [InlineData("pin works on the file", "--set", "run.seed=1")]
    public void Options_that_make_no_sense_together_are_a_fault(string words, params string[] arguments)
    {
        Assert.Contains(words, Run(2, ["pin", .. arguments]).Error, StringComparison.Ordinal);
        Assert.Equal(Commented, Text);
    }

    [Fact]
    public void A_link_stays_a_link_and_the_file_keeps_its_mode()
    {
        if (OperatingSystem.IsWindows()) return;
        var file = Path.Combine(_workspace.Folder, "real.json");
        File.Move(_workspace.Config, file);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.CreateSymbolicLink(_workspace.Config, "real.json");
        Run(0, "pin");
        Assert.Equal("real.json", new FileInfo(_workspace.Config).LinkTarget);
        Assert.Contains("sha256", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.DoesNotContain(Directory.EnumerateFiles(_workspace.Folder), static path => path.EndsWith(".part", StringComparison.Ordinal));
    }

    private string Text => File.ReadAllText(_workspace.Config);

    private TestTerminal Run(int code, params string[] arguments)
    {
        var terminal = new TestTerminal();
        var ended = terminal.Run("none", [.. arguments, "-c", _workspace.Config]);
        Assert.True(ended == code, $"{ended}: {terminal.Error}");
        return terminal;
    }
}
