using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Natives;

/// <summary>Which folder libtorch comes from, which version fits, and that this very process has one.</summary>
public sealed class LibTorchFolderTests : IDisposable
{
    private readonly string _bundled = Directory.CreateTempSubdirectory("libtorch").FullName;
    private readonly string _named = Directory.CreateTempSubdirectory("libtorch").FullName;

    public LibTorchFolderTests() => File.WriteAllText(Path.Combine(_bundled, LibTorchFolder.FileOf("torch_cpu")), "");

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_the_variable_it_is_the_program_s_own(string? variable) =>
        Assert.Equal(new LibTorchFolder(_bundled, null, false), LibTorchFolder.Find(variable, _bundled).Value());

    [Theory]
    [InlineData("")]
    [InlineData("lib")]
    public void The_variable_names_the_folder_or_the_one_above_its_lib(string below)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_named, below)).FullName;
        File.WriteAllText(Path.Combine(folder, LibTorchFolder.FileOf("torch_cpu")), "");
        Assert.Equal(new LibTorchFolder(folder, null, true), LibTorchFolder.Find(_named, _bundled).Value());
    }

    [Fact]
    public void A_folder_that_is_named_and_does_not_have_it_is_a_fault_and_not_the_program_s_own()
    {
        LibTorchFolder.Find(_named, _bundled).Fault(FaultCodes.LibTorchUnfit, "LEAPALIGN_LIBTORCH", $"'{_named}'", LibTorchFolder.FileOf("torch_cpu"), "2.10.x");
        var gone = Path.Combine(_named, "gone");
        var fault = LibTorchFolder.Find(gone, _bundled).Fault(FaultCodes.LibTorchUnfit, $"'{gone}': the folder is not there");
        Assert.Equal(6, fault.ExitCode);
    }

    [Fact]
    public void A_program_without_its_own_says_where_it_was_expected() =>
        LibTorchFolder.Find(null, _named).Fault(FaultCodes.LibTorchUnfit, "libtorch of the program", $"'{_named}'");

    // The layout is that of TORCH_ABI_VERSION: 2.13.0 was seen to answer 0x020d000000000000.
    [Theory]
    [InlineData(0x020A_0000_0000_0000, "2.10.0")]
    [InlineData(0x020A_0100_0000_0000, "2.10.1")]
    [InlineData(0x020A_0100_0000_0007, "2.10.1")]
    public void A_patch_of_the_same_version_fits(ulong said, string version) =>
        Assert.Equal(Version.Parse(version), new LibTorchFolder(_named, null, true).Judge(said).Value().Version);

    [Theory]
    [InlineData(0x020D_0000_0000_0000UL, "its libtorch is 2.13.0")]
    [InlineData(0x0209_0100_0000_0000UL, "its libtorch is 2.9.1")]
    [InlineData(0x030A_0000_0000_0000UL, "its libtorch is 3.10.0")]
    [InlineData(null, "does not tell its version")]
    public void Another_version_is_a_fault(ulong? said, string words) =>
        new LibTorchFolder(_named, null, true).Judge(said).Fault(FaultCodes.LibTorchUnfit, words, "2.10.x");

    [Fact]
    public void This_process_has_one_from_the_folder_that_is_asked_for()
    {
        TorchSharp.torch.ones(1).Dispose();
        var folder = LibTorch.Load().Value();
        Assert.Equal((2, 10), (folder.Version!.Major, folder.Version.Minor));
        Assert.Equal(!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(LibTorch.Variable)), folder.IsNamed);
        Assert.NotEqual(0, LibTorch.Resolve(typeof(LibTorchFolderTests).Assembly, "torch_cpu"));
        Assert.Equal(LibTorch.Resolve(typeof(LibTorchFolderTests).Assembly, "torch_cpu"), LibTorch.Resolve(typeof(LibTorchFolderTests).Assembly, "libtorch_cpu.so"));
        Assert.Equal(0, LibTorch.Resolve(typeof(LibTorchFolderTests).Assembly, "libc"));
        if (!OperatingSystem.IsLinux()) return;
        var file = new FileInfo(folder.At("torch_cpu"));
        string[] mapped = [.. File.ReadLines("/proc/self/maps").Where(static line => line.EndsWith("/libtorch_cpu.so", StringComparison.Ordinal)).Select(static line => line[line.IndexOf('/', StringComparison.Ordinal)..]).Distinct()];
        Assert.Equal([file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName], mapped);
    }

    public void Dispose()
    {
        Directory.Delete(_bundled, recursive: true);
        Directory.Delete(_named, recursive: true);
    }
}
