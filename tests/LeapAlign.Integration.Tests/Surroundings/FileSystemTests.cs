using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests.Surroundings;

/// <summary>
/// Folders that cannot be written, are full, or are links. Tests may run as root, for whom permissions do not count: the folders are mounted so, in a
/// namespace of the process.
/// </summary>
public sealed class FileSystemTests : IDisposable
{
    private static readonly string[] s_short = ["train", "--set", "run.steps=1", "--set", "evaluation.every=-1"];

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_model_folder_that_is_read_only_is_enough()
    {
        var model = _workspace.Copy(Workspace.Model);
        var outcome = Mounted($"mount --bind '{model}' '{model}' && mount -o remount,ro,bind '{model}' && ! touch '{model}/x' 2>/dev/null", [.. s_short, "--set", $"model.settings.folder={model}"]);
        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.True(File.Exists(Exported("small")));
        Assert.Equal(Files(Workspace.Model), Files(model));
    }

    [Fact]
    public void A_folder_of_runs_that_is_read_only_is_a_fault()
    {
        Directory.CreateDirectory(_workspace.At("runs"));
        var outcome = Mounted("mount --bind runs runs && mount -o remount,ro,bind runs", s_short);
        Assert.True(outcome.ExitCode == 6, outcome.Error);
        Assert.Contains("error LA5002", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(_workspace.At("runs", "small"), outcome.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_workspace.At("runs")));
    }

    [Fact]
    public void A_disk_of_runs_without_room_for_the_end_ends_the_run_before_it_begins()
    {
        Directory.CreateDirectory(_workspace.At("runs"));
        // What is on it goes with the namespace, so the listing is part of the script.
        var outcome = Mounted("mount -t tmpfs -o size=600k none runs", s_short, "ls -A runs");
        Assert.True(outcome.ExitCode == 6, outcome.Error);
        Assert.Contains($"error LA5020: {_workspace.At("runs", "small")}: the export takes ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("", outcome.Output.Trim());
    }

    [Fact]
    public void A_model_folder_that_goes_during_the_run_ends_it_with_a_checkpoint_and_the_command_that_exports_it()
    {
        var model = _workspace.Copy(Workspace.Model);
        _workspace.AddTestPlugin("unruly");
        _workspace.Json["model"]!["settings"]!["folder"] = model;
        _workspace.Json["checkpoint"] = new JsonObject { ["every"] = -1 };
        _workspace.Json["rewards"] = new JsonArray(new JsonObject { ["id"] = "moody", ["settings"] = new JsonObject { ["mood"] = $"delete {model}", ["at"] = 1 } });
        _workspace.Save();
        var outcome = _workspace.Leapalign(s_short);
        Assert.True(outcome.ExitCode == 5, outcome.Error);
        Assert.Contains($"error LA4001: {model}", outcome.Error, StringComparison.Ordinal);
        var command = $"leapalign checkpoint export {_workspace.At("runs", "small")} --step 1";
        Assert.Contains(command, outcome.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Exported("small")));
        // The folder is back: the command that the line says.
        _workspace.Copy(Workspace.Model);
        var exported = _workspace.Leapalign(command.Split(' ')[1..]);
        Assert.True(exported.ExitCode == 0, exported.Error);
        Assert.True(File.Exists(Exported("small")));
    }

    [Theory]
    [InlineData("vae/link", "it is a link to 'nowhere', which is not there")]
    [InlineData("vae/pipe", "it is a named pipe, not a file")]
    public void A_model_folder_that_could_not_be_exported_ends_the_run_before_it_begins(string file, string why)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("these are of Linux");
        var model = _workspace.Copy(Workspace.Model);
        var path = Path.Combine(model, file);
        if (file.EndsWith("pipe", StringComparison.Ordinal)) SpecialFile.Pipe(path);
        else File.CreateSymbolicLink(path, "nowhere");
        var outcome = _workspace.Leapalign([.. s_short, "--set", $"model.settings.folder={model}"]);
        Assert.True(outcome.ExitCode == 5, outcome.Error);
        Assert.Contains($"error LA4001: {path}: ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains(why, outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_workspace.At("runs")));
    }

    /// <summary>As the cache of a model hub lays it out: a link to the folder, and in it a link for each file.</summary>
    [Fact]
    public void A_model_that_is_made_of_links_is_read_and_exported_as_files()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("links need a privilege there");
        foreach (var file in Directory.EnumerateFiles(Workspace.Model, "*", SearchOption.AllDirectories))
        {
            var link = _workspace.At("snapshot", Path.GetRelativePath(Workspace.Model, file));
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            File.CreateSymbolicLink(link, file);
        }
        Directory.CreateSymbolicLink(_workspace.At("current"), "snapshot");
        var linked = _workspace.Leapalign([.. s_short, "--name", "linked", "--set", "model.settings.folder=current"]);
        Assert.True(linked.ExitCode == 0, linked.Error);
        var straight = _workspace.Leapalign([.. s_short, "--name", "straight"]);
        Assert.True(straight.ExitCode == 0, straight.Error);
        Assert.Equal(Files(_workspace.At("runs", "straight", "export")), Files(_workspace.At("runs", "linked", "export")));
        Assert.All(Directory.EnumerateFiles(_workspace.At("runs", "linked", "export"), "*", SearchOption.AllDirectories), static file => Assert.Null(new FileInfo(file).LinkTarget));
    }

    private Outcome Mounted(string mount, string[] arguments, string after = "true")
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("mount namespaces are of Linux");
        // 97: not the program's.
        var script = $"{mount} || exit 97; \"$0\" \"$@\"; code=$?; {after}; exit $code";
        using var process = BuiltHost.Start(_workspace.Folder, "unshare", ["--map-root-user", "--mount", "bash", "-c", script, BuiltHost.Program, .. arguments]);
        var outcome = BuiltHost.Finish(process);
        if (outcome.ExitCode == 97 || outcome.Error.StartsWith("unshare:", StringComparison.Ordinal)) Assert.Skip($"this machine mounts nothing: {outcome.Error}");
        return outcome;
    }

    private string Exported(string run) => _workspace.At("runs", run, "export", "transformer", "diffusion_pytorch_model.safetensors");

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Select(file => $"{Path.GetRelativePath(folder, file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}").Order(StringComparer.Ordinal);
}
