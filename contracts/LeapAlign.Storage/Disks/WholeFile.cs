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
    /// <param name="fill">Fills a folder whose name it is given, with files that are flushed. Folders in it are flushed here.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <returns>The fault of <paramref name="fill"/>, or <see cref="FaultCodes.CannotWrite"/> when the disk refuses: nothing is left behind then.</returns>
    public static Result<Unit> Write(string path, Func<string, Result<Unit>> fill, IDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(fill);
        var names = Names.Of(path);
        return Tried(disk ?? SystemDisk.Instance, names, there =>
        {
            there.Delete(names.Aside);
            there.CreateFolder(names.Aside);
            return fill(names.Aside).Map(_ =>
            {
                Commit(there, names);
                return Unit.Value;
            });
        });
    }

    /// <summary>Does what a later <see cref="Write"/> will ask of the disk, with one byte in place of the content, and leaves a folder that is there as it is.</summary>
    /// <param name="path">The folder that will be written.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the folder could not be written.</returns>
    public static Result<Unit> Rehearse(string path, IDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var names = Names.Of(path);
        return Tried(disk ?? SystemDisk.Instance, names, there =>
        {
            if (there.FileExists(path)) throw new IOException("a file of this name is in the way");
            there.Delete(names.Aside);
            there.CreateFolder(names.Aside);
            using (var file = there.Create(Path.Combine(names.Aside, "byte"), 1))
            {
                file.Write([0]);
                file.Flush();
            }
            there.FlushTree(names.Aside);
            there.Delete(names.Old);
            there.Move(names.Aside, names.Old);
            there.Flush(names.Parent);
            there.Delete(names.Old);
            return Unit.Value;
        });
    }

    private static Result<Unit> Tried(IDisk disk, Names names, Func<IDisk, Result<Unit>> write)
    {
        var written = DiskFault.Try(names.Path, () => write(disk));
        if (!written.IsOk) DiskFault.Abandon(disk, names.Aside);
        return written;
    }

    private static void Commit(IDisk disk, Names names)
    {
        disk.FlushTree(names.Aside);
        disk.Delete(names.Old);
        if (disk.FolderExists(names.Path)) disk.Move(names.Path, names.Old);
        disk.Move(names.Aside, names.Path);
        disk.Flush(names.Parent);
        disk.Delete(names.Old);
    }

    /// <summary>The folder, the one above it, and what it is called before it is complete and after it was replaced.</summary>
    private sealed record Names(string Path, string Parent, string Aside, string Old)
    {
        public static Names Of(string path)
        {
            // "out/" is the folder "out": without this, what is written aside would lie in it.
            var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
            // The root of a disk has no name, and nothing above it; the disk refuses it.
            var parent = System.IO.Path.GetDirectoryName(full) ?? full;
            var name = System.IO.Path.GetFileName(full);
            return new Names(full, parent, System.IO.Path.Combine(parent, $".{name}.partial"), System.IO.Path.Combine(parent, $".{name}.old"));
        }
    }
}
