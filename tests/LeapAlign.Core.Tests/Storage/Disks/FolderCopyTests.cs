using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Tests.Safetensors;
using LeapAlign.Testing;

namespace LeapAlign.Storage.Tests.Disks;

/// <summary>A list of files to copy: checking and copying refuse the same, and say which file and why.</summary>
public sealed class FolderCopyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_are_found_below_links_and_copied_as_they_are()
    {
        Directory.CreateDirectory(_folder["source/deep"]);
        Directory.CreateDirectory(_folder["elsewhere"]);
        var large = new byte[(1 << 20) + 3];
        Random.Shared.NextBytes(large);
        _folder.Write("source/deep/large", large);
        _folder.Write("source/empty", "");
        _folder.Write("elsewhere/linked", "x");
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(_folder["source/link"], _folder["elsewhere/linked"]);
            Directory.CreateSymbolicLink(_folder["source/way"], _folder["elsewhere"]);
        }
        var files = Expect.Ok(FolderCopy.FilesBelow(_folder["source"]));
        Assert.Equal(OperatingSystem.IsWindows() ? ["deep/large", "empty"] : ["deep/large", "empty", "link", "way/linked"], files);
        var copy = Expect.Ok(FolderCopy.Of(files.Select(file => new FileCopy(Path.Combine(_folder["source"], file), file))));
        Assert.Equal(files.Sum(file => new FileInfo(Path.Combine(_folder["source"], file)) is { LinkTarget: null } found ? found.Length : 1), Expect.Ok(copy.Check()));
        Expect.Ok(copy.Write(_folder["target"]));
        Assert.All(files, file =>
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder["source"], file)), File.ReadAllBytes(Path.Combine(_folder["target"], file)));
            Assert.Null(new FileInfo(Path.Combine(_folder["target"], file)).LinkTarget);
        });
    }

    [Theory]
    [InlineData("absent", "it is not there")]
    [InlineData("folder", "it is a folder, not a file")]
    [InlineData("dangling", "it is a link to 'nowhere', which is not there")]
    [InlineData("circle", "it is a link to 'circle', which is not there")]
    [InlineData("pipe", "it is a named pipe, not a file")]
    [InlineData("socket", "it is a socket, not a file")]
    [InlineData("/dev/null", "it is a device, not a file")]
    [InlineData("forbidden", "denied")]
    public async Task What_cannot_be_copied_is_refused_by_name_and_nothing_waits(string kind, string why)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("these are of Linux");
        using var socket = kind == "socket" ? SpecialFile.Socket(_folder["socket"]) : null;
        Directory.CreateDirectory(_folder["folder"]);
        File.CreateSymbolicLink(_folder["dangling"], "nowhere");
        File.CreateSymbolicLink(_folder["circle"], "circle");
        SpecialFile.Pipe(_folder["pipe"]);
        if (kind == "forbidden") SpecialFile.Forbid(_folder.Write("forbidden", "x"));
        var source = Path.Combine(_folder.Path, kind);
        // Through a link, too.
        File.CreateSymbolicLink(_folder["indirect"], source);
        var copy = Expect.Ok(FolderCopy.Of([new FileCopy(_folder.Write("good", "good"), "good"), new FileCopy(source, "bad")]));
        var checkedThen = await Task.Run(copy.Check, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        var copied = await Task.Run(() => copy.Write(_folder["target"]), TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        foreach (var fault in new[] { Expect.Fault(checkedThen, FaultCodes.ModelNotFound), Expect.Fault(copied, FaultCodes.ModelNotFound) })
        {
            Assert.Equal(source, fault.Place!.File);
            Assert.Contains(why, fault.Message, StringComparison.Ordinal);
        }
        if (kind is "pipe" or "/dev/null") Assert.Equal(why, RegularFile.OtherThanFile(_folder["indirect"]));
        Assert.False(File.Exists(_folder["target/bad"]));
    }

    [Fact]
    public void A_link_to_a_folder_above_itself_is_refused()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("links need a privilege there");
        Directory.CreateDirectory(_folder["source/deep"]);
        Directory.CreateSymbolicLink(_folder["source/deep/up"], _folder["source"]);
        Assert.Contains("up", Expect.Fault(FolderCopy.FilesBelow(_folder["source"]), FaultCodes.ModelNotFound).Place!.File, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/../../x")]
    [InlineData("/x")]
    [InlineData("")]
    public void Nothing_is_written_outside_of_the_folder(string target) =>
        Expect.Fault(FolderCopy.Of([new FileCopy(_folder.Write("a", "a"), target)]), FaultCodes.ModelNotFound);

    [Fact]
    public void A_rehearsal_leaves_a_folder_as_it_is_and_finds_what_is_in_the_way()
    {
        Directory.CreateDirectory(_folder["export"]);
        _folder.Write("export/model", "old");
        Expect.Ok(WholeFolder.Rehearse(_folder["export"]));
        Assert.Equal("old", File.ReadAllText(_folder["export/model"]));
        Assert.Equal([_folder["export"]], Directory.GetFileSystemEntries(_folder.Path));
        Expect.Ok(WholeFolder.Rehearse(_folder["other"]));
        Assert.Equal([_folder["export"]], Directory.GetFileSystemEntries(_folder.Path));
        _folder.Write("file", "x");
        Expect.Fault(WholeFolder.Rehearse(_folder["file"]), FaultCodes.CannotWrite);
        // Whatever the disk refuses then, it refuses now.
        var counting = new CrashingDisk(int.MaxValue, default);
        Expect.Ok(WholeFolder.Rehearse(_folder["export"], counting));
        for (var at = 0; at < counting.Calls; at++)
            Expect.Fault(WholeFolder.Rehearse(_folder["export"], new CrashingDisk(at, Trouble.Refusal)), FaultCodes.CannotWrite);
        Assert.Equal("old", File.ReadAllText(_folder["export/model"]));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b/c/d")]
    [InlineData("b/e/f")]
    public void A_folder_that_is_removed_while_it_is_filled_is_not_made_again(string when)
    {
        foreach (var file in new[] { "from/a", "from/b/c/d", "from/b/e/f", "from/g/h" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[file])!);
            _folder.Write(file, file);
        }
        var copy = Expect.Ok(FolderCopy.Of(Expect.Ok(FolderCopy.FilesBelow(_folder["from"])).Select(file => new FileCopy(Path.Combine(_folder["from"], file), file))));
        Expect.Ok(copy.Write(_folder["whole"]));
        Assert.Equal("from/b/e/f", File.ReadAllText(_folder["whole/b/e/f"]));
        var disk = new WatchedDisk(after: path =>
        {
            if (path == _folder[$"to/{when}"]) Directory.Delete(_folder["to"], recursive: true);
        });
        Expect.Fault(copy.Write(_folder["to"], disk), FaultCodes.CannotWrite);
        Assert.False(Path.Exists(_folder["to"]));
    }

    [Theory]
    [InlineData("export/")]
    [InlineData("export//")]
    [InlineData("./export/.")]
    public void A_folder_may_be_named_with_a_slash_behind_it(string name)
    {
        var path = _folder.Path + "/" + name;
        Expect.Ok(WholeFolder.Rehearse(path));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
        foreach (var text in new[] { "one", "two" })
        {
            Expect.Ok(WholeFolder.Write(path, aside =>
            {
                Assert.Equal(_folder[".export.partial"], aside);
                File.WriteAllText(Path.Combine(aside, "model"), text);
                return Unit.Value;
            }));
            Assert.Equal([_folder["export"]], Directory.GetFileSystemEntries(_folder.Path));
            Assert.Equal([_folder["export/model"]], Directory.GetFileSystemEntries(_folder["export"]));
            Assert.Equal(text, File.ReadAllText(_folder["export/model"]));
        }
        Expect.Fault(WholeFolder.Write("/", static _ => Unit.Value, new CrashingDisk(0, Trouble.Refusal)), FaultCodes.CannotWrite);
    }

    [Theory]
    [InlineData(Trouble.Crash)]
    [InlineData(Trouble.PowerLoss)]
    [InlineData(Trouble.Refusal)]
    public void A_whole_file_that_was_written_stays_and_one_that_was_not_leaves_none(Trouble trouble)
    {
        for (var at = 0; ; at++)
        {
            File.Delete(_folder["whole"]);
            var disk = new CrashingDisk(at, trouble);
            var written = false;
            try
            {
                written = WholeFile.Write(_folder["whole"], new byte[] { 1, 2, 3, 4 }, disk).IsOk;
            }
            catch (CrashException)
            {
            }
            if (written) disk.PowerOff();
            if (written || File.Exists(_folder["whole"])) Assert.Equal([1, 2, 3, 4], File.ReadAllBytes(_folder["whole"]));
            if (disk.Calls <= at) return;
        }
    }
}
