using LeapAlign.Pipeline;

namespace LeapAlign.Storage.Disks;

/// <summary>A file that is complete on disk under a name of its own and takes its real name only when it is committed.</summary>
internal sealed class PendingFile : IDisposable
{
    private readonly IDisk _disk;
    private readonly string _path;
    private bool _committed;

    private PendingFile(IDisk disk, string path) => (_disk, _path) = (disk, path);

    private string Aside => _path + ".partial";

    /// <summary>Writes the content aside and flushes it to the disk.</summary>
    /// <param name="disk">Where.</param>
    /// <param name="path">The name the file will have.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="write">Writes the content.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses; nothing is left behind then.</returns>
    public static Result<PendingFile> Write(IDisk disk, string path, long length, Action<IDiskFile> write)
    {
        var pending = new PendingFile(disk, path);
        var complete = false;
        try
        {
            return DiskFault.Try(path, () =>
            {
                using (var file = disk.Create(pending.Aside, length))
                {
                    write(file);
                    file.Flush();
                }
                complete = true;
                return Result.Ok(pending);
            });
        }
        finally
        {
            if (!complete) pending.Dispose();
        }
    }

    /// <summary>Gives the file its name, replacing one that is there, and waits until the name is on the disk.</summary>
    public Result<Unit> Commit() => Rename().Bind(_ => DiskFault.Try<Unit>(_path, () =>
    {
        _disk.Flush(Path.GetDirectoryName(Path.GetFullPath(_path))!);
        return Unit.Value;
    }));

    /// <summary>Gives the file its name, which whoever asks has to flush.</summary>
    public Result<Unit> Rename() => DiskFault.Try<Unit>(_path, () =>
    {
        _disk.Move(Aside, _path);
        _committed = true;
        return Unit.Value;
    });

    /// <summary>Removes the file if it was not committed.</summary>
    public void Dispose()
    {
        if (!_committed) DiskFault.Abandon(_disk, Aside);
    }
}
