using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Runs;

/// <summary>The folder of a run, and what the disk says of it.</summary>
public sealed class RunFolderTests : IDisposable
{
    private readonly string _parent = Directory.CreateTempSubdirectory("leapalign-folder-").FullName;

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    [Fact]
    public void One_process_works_in_a_folder()
    {
        var folder = RunFolder.At(_parent);
        using (folder.Lock().Value()) folder.Lock().Fault(FaultCodes.RunFolderTaken, "another process works in this run folder");
        folder.Lock().Value().Dispose();
    }

    [Fact]
    public void A_folder_that_cannot_be_taken_for_another_reason_is_not_said_to_be_taken()
    {
        RunFolder.At(Path.Combine(_parent, "gone")).Lock().Fault(FaultCodes.CannotWrite, "run.lock");
        File.WriteAllText(Path.Combine(_parent, "file"), "");
        RunFolder.At(Path.Combine(_parent, "file")).Lock().Fault(FaultCodes.CannotWrite, "run.lock");
    }

    [Fact]
    public void What_the_system_refuses_is_told_from_mistakes()
    {
        Assert.All((Exception[])[new IOException(), new UnauthorizedAccessException(), new ArgumentOutOfRangeException("value")], static refusal => Assert.True(RunFolder.IsRefusal(refusal)));
        Assert.All((Exception[])[new InvalidOperationException(), new ArgumentException("no"), new ObjectDisposedException("file")], static mistake => Assert.False(RunFolder.IsRefusal(mistake)));
    }
}
