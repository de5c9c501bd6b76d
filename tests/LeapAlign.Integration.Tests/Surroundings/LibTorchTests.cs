using System.IO.Compression;

namespace LeapAlign.Integration.Tests.Surroundings;

/// <summary>A folder for libtorch that does not fit ends a run before its first tensor, with one sentence.</summary>
public sealed class LibTorchTests : IDisposable
{
    // cc -shared -Os -s -nostdlib, gzipped: unsigned long long aoti_torch_abi_version(void) { return (2ull << 56) | (13ull << 48); }
    private const string AnotherVersion =
        "H4sIAAAAAAACA7VUzU7CQBCebgEraILEAwYPeFIjNoVoYjRRE/zh4EE8cWsK1LSHUtOuBrz4Cj6Cj+CRo0YfwptefAPvuMAstCsoxjjJ9sts55ud2ZnZm8OTIyJJwEWGXRhqAPuImhzc24Io+8ZhumcbhfESIWGEZB+6vBhb" +
        "Cu4rqTDeQxg5j/ySpyCevtN6hOEzJifiPIQxglhmvBhMLhhmLz+COIl07VLs1DYS4vyH4VJbp65Xs3SjautXpufbbgPas8x76fFNe2LcjLyTRB8fnU4nF8hDuj4DqZmUMjNTyq3Uj2+RrQdmFw/WCbGC5/Oa3qHO7+BCiC+NmBD0" +
        "/5bjYnE7u3JgVm2jkc0X1IKqrec31upmNV+4zK/iFoDqWz71qFEF1TJ8C9R6q+G3nD5SD1RqNimopqWfe4Zj6lbdG2o9K8Oxa6DWXMcxG/TPcSfwbolw3xWhD4nQv7w+c+iDCPXgqA3muN8PilCXBfxHhPpyTI/oy6AsBWa3K7xf" +
        "v/TtGP5yYDa+m0OxL7lsCvwXKYw5wV4R9D2MnT9ng/eDhN8NWeDzuS7h+Zrgt02G+Y3KP4jyiL54RX75h/v7BCCRUyiwBQAA";

    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData("gone", "the folder is not there")]
    [InlineData("empty", "the folder has no libtorch_cpu.so")]
    [InlineData("other", "its libtorch is 2.13.0")]
    public void A_run_with_a_folder_that_does_not_fit_ends_before_its_first_tensor(string name, string why)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64, "the library of another version is one for Linux x64");
        var folder = _workspace.At(name);
        if (name != "gone") Directory.CreateDirectory(folder);
        if (name == "other")
        {
            using var packed = new GZipStream(new MemoryStream(Convert.FromBase64String(AnotherVersion)), CompressionMode.Decompress);
            using var file = File.Create(Path.Combine(folder, "libtorch_cpu.so"));
            packed.CopyTo(file);
        }
        using var process = BuiltHost.Start(_workspace.Folder, "env", $"LEAPALIGN_LIBTORCH={folder}", BuiltHost.Program, "train");
        var outcome = BuiltHost.Finish(process);
        Assert.True(outcome.ExitCode == 6, $"{outcome.ExitCode}: {outcome.Error}");
        Assert.StartsWith($"error LA5024: LEAPALIGN_LIBTORCH names '{folder}': {why}; expected libtorch_cpu.so of libtorch 2.10.x", outcome.Error, StringComparison.Ordinal);
        Assert.Single(outcome.Error.TrimEnd().Split('\n'));
        Assert.False(Directory.Exists(_workspace.At("runs")));
    }

    public void Dispose() => _workspace.Dispose();
}
