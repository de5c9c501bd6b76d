using LeapAlign.Pipeline;

namespace LeapAlign.Storage.Disks;

/// <summary>A file that is copied.</summary>
/// <param name="Source">Its full path.</param>
/// <param name="Target">Its path in the folder that is written.</param>
public sealed record FileCopy(string Source, string Target);

/// <summary>
/// Files of other folders that a folder will hold. The list is made once: what is checked before hours of work is, file by file, what is copied after them.
/// </summary>
public sealed class FolderCopy
{
    private const int PieceBytes = 1 << 20;

    private FolderCopy(IReadOnlyList<FileCopy> files) => Files = files;

    /// <summary>The files, in order.</summary>
    public IReadOnlyList<FileCopy> Files { get; }

    /// <summary>A list of files. None of them is looked at.</summary>
    /// <returns><see cref="FaultCodes.ModelNotFound"/> when one would be written outside of the folder.</returns>
    public static Result<FolderCopy> Of(IEnumerable<FileCopy> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        IReadOnlyList<FileCopy> list = [.. files];
        return list.FirstOrDefault(static file => !IsInside(file.Target)) is { } outside
            ? new Fault.Input(FaultCodes.ModelNotFound, $"an export would copy this file to '{outside.Target}', outside of the folder that it writes", new SourcePlace(outside.Source))
            : new FolderCopy(list);
    }

    /// <summary>Every file below a folder, through links, in ordinal order: paths relative to it.</summary>
    /// <returns><see cref="FaultCodes.ModelNotFound"/> when a folder cannot be read, or is a link to one above it.</returns>
    public static Result<IReadOnlyList<string>> FilesBelow(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var files = new List<string>();
        return Walk(new DirectoryInfo(folder), [], files).Map(_ =>
        {
            files.Sort(StringComparer.Ordinal);
            return (IReadOnlyList<string>)[.. files.Select(file => Path.GetRelativePath(folder, file))];
        });
    }

    /// <summary>Opens each file as <see cref="Write"/> will.</summary>
    /// <returns>The bytes of all of them, or <see cref="FaultCodes.ModelNotFound"/>, naming the first that cannot be copied and why.</returns>
    public Result<long> Check()
    {
        var bytes = 0L;
        foreach (var file in Files)
        {
            try
            {
                using var source = RegularFile.Open(file.Source);
                bytes += RandomAccess.GetLength(source);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return Unreadable(file, exception.Message);
            }
        }
        return bytes;
    }

    /// <summary>Copies all files, each flushed.</summary>
    /// <param name="folder">Where they go; it is made in one that is there, and folders in it.</param>
    /// <param name="disk">Where that is; the file system of this machine when null.</param>
    /// <returns><see cref="FaultCodes.ModelNotFound"/> when a file cannot be read any more, <see cref="FaultCodes.CannotWrite"/> when the disk refuses.</returns>
    public Result<Unit> Write(string folder, IDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        disk ??= SystemDisk.Instance;
        var made = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in Files)
        {
            var target = Path.Combine(folder, file.Target);
            var written = DiskFault.Try(target, () =>
            {
                Make(Path.GetDirectoryName(file.Target) ?? "");
                return Copy(file, target, disk);
            });
            if (!written.IsOk) return written;
        }
        return Unit.Value;

        void Make(string inside)
        {
            if (!made.Add(inside)) return;
            if (inside.Length > 0) Make(Path.GetDirectoryName(inside) ?? "");
            disk.CreateFolder(Path.Combine(folder, inside));
        }
    }

    private static Result<Unit> Copy(FileCopy file, string target, IDisk disk)
    {
        if (!Reading(file, () => RegularFile.Open(file.Source)).TryGet(out var source, out var fault)) return fault;
        using (source)
        {
            var length = RandomAccess.GetLength(source);
            using var copy = disk.Create(target, length);
            var piece = new byte[PieceBytes];
            var position = 0L;
            while (true)
            {
                if (!Reading(file, () => RandomAccess.Read(source, piece, position)).TryGet(out var count, out fault)) return fault;
                if (count == 0) break;
                copy.Write(piece.AsSpan(0, count));
                position += count;
            }
            if (position != length) return Unreadable(file, "it changed its length while it was copied");
            copy.Flush();
            return Unit.Value;
        }
    }

    // What the source refuses is another fault than what the disk refuses.
    private static Result<T> Reading<T>(FileCopy file, Func<T> read)
    {
        try
        {
            return Result.Ok(read());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Unreadable(file, exception.Message);
        }
    }

    private static Result<Unit> Walk(DirectoryInfo folder, List<string> above, List<string> files)
    {
        try
        {
            var place = folder.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder.FullName;
            if (above.Contains(place)) return Unreadable(folder.FullName, "it is a link to a folder that it lies in");
            above.Add(place);
            foreach (var entry in folder.EnumerateFileSystemInfos())
            {
                if (!entry.Attributes.HasFlag(FileAttributes.Directory)) files.Add(entry.FullName);
                else if (!Walk(new DirectoryInfo(entry.FullName), above, files).TryGet(out _, out var fault)) return fault;
            }
            above.Remove(place);
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Unreadable(folder.FullName, exception.Message);
        }
    }

    private static bool IsInside(string target) =>
        target.Length > 0 && !Path.IsPathRooted(target) && !target.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar).Contains("..");

    private static Fault Unreadable(FileCopy file, string why) => Unreadable(file.Source, why);

    private static Fault Unreadable(string path, string why) =>
        new Fault.Input(FaultCodes.ModelNotFound, $"an export copies this file, and it cannot be read: {why}", new SourcePlace(path));
}
