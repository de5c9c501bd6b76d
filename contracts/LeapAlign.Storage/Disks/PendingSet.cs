using LeapAlign.Pipeline;

namespace LeapAlign.Storage.Disks;

/// <summary>Files of one folder that take their names together, when all of them are complete.</summary>
/// <param name="disk">Where.</param>
/// <param name="folder">Their folder.</param>
internal sealed class PendingSet(IDisk disk, string folder) : IDisposable
{
    private readonly List<PendingFile> _files = [];
    private readonly List<string> _names = [];

    public IDisk Disk => disk;

    public string Folder => folder;

    /// <summary>The names of the files so far.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Writes a file aside.</summary>
    public Result<Unit> Add(string name, long length, Action<IDiskFile> write) => PendingFile.Write(disk, Path.Combine(folder, name), length, write).Map(file =>
    {
        _files.Add(file);
        _names.Add(name);
        return Unit.Value;
    });

    /// <summary>Gives all of them their names, in the order in which they were added, and waits until these are on the disk.</summary>
    public Result<Unit> Commit() => _files.Select(static file => file.Rename()).All().Bind(_ => DiskFault.Try<Unit>(folder, () =>
    {
        disk.Flush(folder);
        return Unit.Value;
    }));

    /// <summary>Removes those that were not committed.</summary>
    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }
}
