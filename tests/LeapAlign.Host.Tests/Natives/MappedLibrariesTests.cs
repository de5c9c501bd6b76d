using LeapAlign.Host.Runtime;

namespace LeapAlign.Host.Tests.Natives;

/// <summary>How many files of a name a process has in its memory, as <c>/proc/self/maps</c> tells.</summary>
public sealed class MappedLibrariesTests
{
    private static readonly string[] s_maps =
    [
        "7f0000000000-7f0000001000 r--p 00000000 fe:00 100                        /opt/one/libtorch_cpu.so",
        "7f0000001000-7f0000002000 r-xp 00001000 fe:00 100                        /opt/one/libtorch_cpu.so",
        "7f0000002000-7f0000003000 rw-p 00000000 00:00 0",
        "7f0000003000-7f0000004000 r--p 00000000 fe:00 101                        /opt/one/libtorch_cpu.so.note",
        "7f0000004000-7f0000005000 rw-p 00000000 00:00 0                          [heap]",
    ];

    [Fact]
    public void Mappings_of_one_file_count_once() => Assert.Equal(1, MappedLibraries.Count("libtorch_cpu.so", s_maps));

    [Fact]
    public void A_second_file_of_the_name_counts_wherever_it_lies() =>
        Assert.Equal(2, MappedLibraries.Count("libtorch_cpu.so", [.. s_maps, "7f0000006000-7f0000007000 r--p 00000000 fe:00 102  /with space/libtorch_cpu.so"]));

    [Fact]
    public void None_is_none() => Assert.Equal(0, MappedLibraries.Count("libtorch_cuda.so", s_maps));
}
