using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Tests.Safetensors;

namespace LeapAlign.Storage.Tests.Disks;

/// <summary>Folders are made one at a time, so that one that was moved away is not there again.</summary>
public sealed class SystemDiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_is_made_in_one_that_is_there_and_left_alone_where_it_is()
    {
        SystemDisk.Instance.CreateFolder(_folder["one"]);
        _folder.Write("one/file", "x");
        SystemDisk.Instance.CreateFolder(_folder["one"]);
        Assert.Equal("x", File.ReadAllText(_folder["one/file"]));
        if (!OperatingSystem.IsWindows()) Assert.Equal(File.GetUnixFileMode(Directory.CreateDirectory(_folder["other"]).FullName), File.GetUnixFileMode(_folder["one"]));
    }

    [Fact]
    public void None_is_made_where_the_one_above_is_missing()
    {
        var fault = Assert.Throws<DirectoryNotFoundException>(() => SystemDisk.Instance.CreateFolder(_folder["above/below"]));
        Assert.Contains($"'{_folder["above"]}' is not there, in which 'below' would be made", fault.Message, StringComparison.Ordinal);
        Assert.False(Path.Exists(_folder["above"]));
    }

    [Fact]
    public void What_is_in_the_way_is_said()
    {
        _folder.Write("taken", "x");
        Assert.Contains(_folder["taken"], Assert.ThrowsAny<IOException>(() => SystemDisk.Instance.CreateFolder(_folder["taken"])).Message, StringComparison.Ordinal);
    }
}
