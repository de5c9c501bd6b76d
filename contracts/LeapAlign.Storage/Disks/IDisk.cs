namespace LeapAlign.Storage.Disks;

/// <summary>
/// What durable writing asks of a file system: every call that can fail, or that a crash can come between. Tests put a disk in its place that fails at
/// each of them in turn. All methods throw <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when the disk refuses.
/// </summary>
public interface IDisk
{
    /// <summary>Makes an empty file, or empties the one that is there.</summary>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="length">Bytes to reserve, so that a full disk shows before hours of writing.</param>
    IDiskFile Create(string path, long length);

    /// <summary>Makes a folder in one that is there, in one step: where that was moved or removed meanwhile, it is not made again. A folder of this name that is there is left alone.</summary>
    void CreateFolder(string path);

    /// <summary>Gives a file or a folder another name on the same volume in one step. A file of that name is replaced; a folder must not be there.</summary>
    void Move(string from, string to);

    /// <summary>Removes a file, or a folder with all that is in it; what is not there is no error.</summary>
    void Delete(string path);

    /// <summary>Whether there is a file of this name.</summary>
    bool FileExists(string path);

    /// <summary>Whether there is a folder of this name.</summary>
    bool FolderExists(string path);

    /// <summary>The files directly in a folder: full paths.</summary>
    IReadOnlyList<string> Files(string folder);

    /// <summary>The folders directly in a folder: full paths.</summary>
    IReadOnlyList<string> Folders(string folder);

    /// <summary>Waits until the names in a folder are on the disk, as <see cref="IDiskFile.Flush"/> does for the content of a file.</summary>
    void Flush(string folder);
}

/// <summary>What is made of those calls everywhere.</summary>
public static class DiskCalls
{
    /// <summary>Makes a folder and those above it, each with its name on the disk; one that is there is left alone.</summary>
    public static void MakeFolder(this IDisk disk, string path)
    {
        ArgumentNullException.ThrowIfNull(disk);
        if (disk.FolderExists(path) || Path.GetDirectoryName(path) is not { Length: > 0 } parent) return;
        disk.MakeFolder(parent);
        disk.CreateFolder(path);
        disk.Flush(parent);
    }

    /// <summary>Waits until all names in a folder and in those below it are on the disk.</summary>
    public static void FlushTree(this IDisk disk, string folder)
    {
        ArgumentNullException.ThrowIfNull(disk);
        foreach (var below in disk.Folders(folder)) disk.FlushTree(below);
        disk.Flush(folder);
    }
}

/// <summary>A file that is being written from its beginning to its end.</summary>
public interface IDiskFile : IDisposable
{
    /// <summary>Appends bytes.</summary>
    void Write(ReadOnlySpan<byte> bytes);

    /// <summary>Waits until everything written is on the disk.</summary>
    void Flush();
}
