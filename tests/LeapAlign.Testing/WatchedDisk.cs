using LeapAlign.Storage.Disks;

namespace LeapAlign.Testing;

/// <summary>The disk of this machine, of which a test hears before it makes or moves something, and may refuse by throwing, and after it made a file.</summary>
/// <param name="before">Is told the path before.</param>
/// <param name="after">Is told the path of a file that was made, and is not written yet.</param>
public sealed class WatchedDisk(Action<string>? before = null, Action<string>? after = null) : IDisk
{
    private static readonly SystemDisk s_disk = SystemDisk.Instance;

    /// <inheritdoc/>
    public IDiskFile Create(string path, long length)
    {
        before?.Invoke(path);
        var file = s_disk.Create(path, length);
        after?.Invoke(path);
        return file;
    }

    /// <inheritdoc/>
    public void CreateFolder(string path)
    {
        before?.Invoke(path);
        s_disk.CreateFolder(path);
    }

    /// <inheritdoc/>
    public void Move(string from, string to)
    {
        before?.Invoke(to);
        s_disk.Move(from, to);
    }

    /// <inheritdoc/>
    public void Delete(string path) => s_disk.Delete(path);

    /// <inheritdoc/>
    public bool FileExists(string path) => s_disk.FileExists(path);

    /// <inheritdoc/>
    public bool FolderExists(string path) => s_disk.FolderExists(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> Files(string folder) => s_disk.Files(folder);

    /// <inheritdoc/>
    public IReadOnlyList<string> Folders(string folder) => s_disk.Folders(folder);

    /// <inheritdoc/>
    public void Flush(string folder) => s_disk.Flush(folder);
}
