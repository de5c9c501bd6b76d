using LeapAlign.Pipeline;

namespace LeapAlign.Storage.Disks;

/// <summary>Files that are there whole or not at all: written aside, flushed and renamed.</summary>
public static class WholeFile
{
    /// <summary>Writes a file, replacing one that is there.</summary>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="content">Everything in it.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses: nothing is left behind then, and an older file stays as it was.</returns>
    public static Result<Unit> Write(string path, ReadOnlyMemory<byte> content, IDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return PendingFile.Write(disk ?? SystemDisk.Instance, path, content.Length, file => file.Write(content.Span)).Bind(static pending =>
        {
            using (pending) return pending.Commit();
        });
    }
}

/// <summary>Folders that are there whole or not at all: filled aside, flushed and renamed.</summary>
public static class WholeFolder
{
    /// <summary>Writes a folder, replacing one that is there. A crash leaves the old one, the new one or, for an instant, neither; never a part of one.</summary>
    /// <param name="path">The folder; the one above it must be there.</param>
    /// <param name="fill">Fills a folder whose name it is given, with files that are flushed.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <returns>The fault of <paramref name="fill"/>, or <see cref="FaultCodes.CannotWrite"/> when the disk refuses: nothing is left behind then.</returns>
    public static Result<Unit> Write(string path, Func<string, Result<Unit>> fill, IDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(fill);
        disk ??= SystemDisk.Instance;
        var parent = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var aside = Path.Combine(parent, $".{Path.GetFileName(path)}.partial");
        var written = DiskFault.Try(path, () =>
        {
            disk.Delete(aside);
            disk.CreateFolder(aside);
            return fill(aside).Bind(_ => Commit(disk, aside, path, parent));
        });
        if (!written.IsOk) DiskFault.Abandon(disk, aside);
        return written;
    }

    private static Result<Unit> Commit(IDisk disk, string aside, string path, string parent)
    {
        disk.Flush(aside);
        var old = Path.Combine(parent, $".{Path.GetFileName(path)}.old");
        disk.Delete(old);
        if (Directory.Exists(path)) disk.Move(path, old);
        disk.Move(aside, path);
        disk.Flush(parent);
        disk.Delete(old);
        return Unit.Value;
    }
}
