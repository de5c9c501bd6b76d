using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Runs.Folders;

/// <summary>A disk that makes nothing where the folder of the run was, once that is not there any more: neither the folder again, nor anything in another that took its name.</summary>
/// <param name="folder">The folder of the run.</param>
/// <param name="disk">The disk that it is on.</param>
internal sealed class HeldDisk(HeldFolder folder, IDisk disk) : IDisk
{
    /// <inheritdoc/>
    public IDiskFile Create(string path, long length) => There.Create(path, length);

    /// <inheritdoc/>
    public void CreateFolder(string path) => There.CreateFolder(path);

    /// <inheritdoc/>
    public void Move(string from, string to) => There.Move(from, to);

    /// <inheritdoc/>
    public void Delete(string path) => There.Delete(path);

    /// <inheritdoc/>
    public bool FileExists(string path) => disk.FileExists(path);

    /// <inheritdoc/>
    public bool FolderExists(string path) => disk.FolderExists(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> Files(string folder) => disk.Files(folder);

    /// <inheritdoc/>
    public IReadOnlyList<string> Folders(string folder) => disk.Folders(folder);

    /// <inheritdoc/>
    public void Flush(string folder) => There.Flush(folder);

    private IDisk There => folder.Check().Match(_ => disk, static fault => throw new IOException(fault.Message));
}
