using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LeapAlign.Storage.Disks;

/// <summary>The file system of this machine.</summary>
public sealed partial class SystemDisk : IDisk
{
    private SystemDisk()
    {
    }

    /// <summary>The only one there is.</summary>
    public static SystemDisk Instance { get; } = new();

    /// <inheritdoc/>
    public IDiskFile Create(string path, long length) => new SystemFile(File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.Read, FileOptions.None, length));

    /// <inheritdoc/>
    public void CreateFolder(string path)
    {
        // .NET makes all folders above, too: one that was moved away a moment ago would be there again, empty.
        if (OperatingSystem.IsWindows())
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } parent && !Directory.Exists(parent)) throw NoFolderFor(path);
            Directory.CreateDirectory(path);
            return;
        }
        const int notFound = 2, denied = 13, notPermitted = 1, readOnly = 30;
        const uint forAll = 0x1FF; // less what the process's mask takes
        if (MakeDirectory(path, forAll) == 0) return;
        var error = Marshal.GetLastPInvokeError();
        if (Directory.Exists(path)) return;
        var message = $"the folder '{path}' cannot be made: {Marshal.GetPInvokeErrorMessage(error)}";
        throw error switch
        {
            notFound => NoFolderFor(path),
            denied or notPermitted or readOnly => new UnauthorizedAccessException(message),
            _ => new IOException(message),
        };
    }

    /// <inheritdoc/>
    public void Move(string from, string to)
    {
        if (Directory.Exists(from)) Directory.Move(from, to);
        else File.Move(from, to, overwrite: true);
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        else if (File.Exists(path)) File.Delete(path);
    }

    /// <inheritdoc/>
    public bool FileExists(string path) => File.Exists(path);

    /// <inheritdoc/>
    public bool FolderExists(string path) => Directory.Exists(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> Files(string folder) => Directory.GetFiles(folder);

    /// <inheritdoc/>
    public IReadOnlyList<string> Folders(string folder) => Directory.GetDirectories(folder);

    /// <inheritdoc/>
    public void Flush(string folder)
    {
        // Windows writes names through with the rename itself, and has no handle of a folder to flush.
        if (OperatingSystem.IsWindows()) return;
        using var handle = new SafeFileHandle(Open(folder, 0), ownsHandle: true);
        if (!handle.IsInvalid && Sync(handle) == 0) return;
        // Some network file systems have nothing to flush for a folder, and say so in one of these ways.
        const int invalid = 22;
        var unsupported = OperatingSystem.IsMacOS() ? 45 : 95;
        if (Marshal.GetLastPInvokeError() is var error && error != invalid && error != unsupported) throw new IOException($"the names in {folder} cannot be flushed to the disk (error {error})");
    }

    private static DirectoryNotFoundException NoFolderFor(string path) => new($"the folder '{Path.GetDirectoryName(Path.GetFullPath(path))}' is not there, in which '{Path.GetFileName(path)}' would be made");

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectory(string path, uint mode);

    // .NET opens no folders; 0 is O_RDONLY everywhere.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(SafeFileHandle handle);

    private sealed class SystemFile(SafeFileHandle handle) : IDiskFile
    {
        private long _position;

        public void Write(ReadOnlySpan<byte> bytes)
        {
            RandomAccess.Write(handle, bytes, _position);
            _position += bytes.Length;
        }

        public void Flush() => RandomAccess.FlushToDisk(handle);

        public void Dispose() => handle.Dispose();
    }
}
