using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Checkpoints;

/// <summary>Another build of the program is noticed by a run that goes on.</summary>
public sealed class RunIdentityTests
{
    [Fact]
    public void The_program_is_host_contracts_and_TorchSharp()
    {
        Assert.Equal(["LeapAlign.Contracts", "LeapAlign.Pipeline", "LeapAlign.Storage", "TorchSharp", "leapalign"], ProgramFiles.Assemblies.Select(static assembly => assembly.GetName().Name).Order(StringComparer.Ordinal));
        Assert.Equal(64, ProgramFiles.Sha256.Length);
    }

    [Fact]
    public void Each_byte_of_each_file_counts()
    {
        var folder = Directory.CreateTempSubdirectory("leapalign-files-").FullName;
        var paths = ProgramFiles.Assemblies.Select(assembly =>
        {
            var copy = Path.Combine(folder, Path.GetFileName(assembly.Location));
            File.Copy(assembly.Location, copy);
            return (copy, Guid.Empty);
        }).ToList();
        Assert.Equal(ProgramFiles.Sha256, ProgramFiles.Digest(paths));
        foreach (var (copy, _) in paths)
        {
            var bytes = File.ReadAllBytes(copy);
            var changed = bytes.ToArray();
            changed[changed.Length / 2] ^= 1;
            File.WriteAllBytes(copy, changed);
            Assert.NotEqual(ProgramFiles.Sha256, ProgramFiles.Digest(paths));
            File.WriteAllBytes(copy, bytes);
        }
        Assert.NotEqual(ProgramFiles.Digest([("", Guid.Empty)]), ProgramFiles.Digest([("", Guid.NewGuid())]));
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("0.1.0+abc", "aaaaaaaa", null)]
    [InlineData("0.1.0+abc", null, null)]
    [InlineData("0.1.0+def", "aaaaaaaa", "leapalign 0.1.0+def (aaaaaaaa, TorchSharp 2, 3 threads) and goes on with 0.1.0+abc (aaaaaaaa,")]
    [InlineData("0.1.0+abc", "bbbbbbbb", "leapalign 0.1.0+abc (bbbbbbbb, TorchSharp 2, 3 threads) and goes on with 0.1.0+abc (aaaaaaaa,")]
    public void Another_commit_or_other_files_are_a_warning(string version, string? digits, string? words)
    {
        var now = new RunIdentity([], new ProgramBuild("0.1.0+abc", "2", 3, "aaaaaaaa"), []);
        var then = (now with { Program = new ProgramBuild(version, "2", 3, digits) }).Manifest(SmallCheckpoint.Progress(2), DateTimeOffset.UnixEpoch);
        var warnings = now.BuildsSince(then).ToList();
        if (words is null)
        {
            Assert.Empty(warnings);
            return;
        }
        Assert.Equal(FaultCodes.BuildChanged, Assert.Single(warnings).Code);
        Assert.Contains(words, warnings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_manifest_without_these_digits_is_still_read()
    {
        var manifest = new RunIdentity([], new ProgramBuild("0.1.0", "2", 3, "abc"), []).Manifest(SmallCheckpoint.Progress(2), DateTimeOffset.UnixEpoch);
        var text = System.Text.Json.JsonSerializer.SerializeToNode(manifest, CheckpointJson.Manifest)!;
        Assert.True(text["program"]!.AsObject().Remove("sha256"));
        Assert.Null(System.Text.Json.JsonSerializer.Deserialize(text, CheckpointJson.Manifest)!.Program.Sha256);
    }

    [Fact]
    public void The_commit_is_part_of_the_version() =>
        Assert.Equal(RunEnvironment.Program, typeof(ProgramFiles).Assembly.GetCustomAttributes(false).OfType<System.Reflection.AssemblyInformationalVersionAttribute>().Single().InformationalVersion);
}
