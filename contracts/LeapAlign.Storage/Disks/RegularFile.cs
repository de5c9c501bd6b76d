using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LeapAlign.Storage.Disks;

/// <summary>
/// Files that others laid out. A name may stand for a link to nothing, or for a named pipe, on which opening waits for ever: both are said, and nothing waits.
/// </summary>
public static partial class RegularFile
{
    private const int TypeBits = 0xF000;
    private const int Regular = 0x8000;

    /// <summary>Opens a file for reading, through links.</summary>
    /// <exception cref="IOException">It is not there, or no regular file; the message says what it is.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static SafeFileHandle Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (OtherThanFile(path) is { } other) throw new IOException(other);
        // Whoever writes the file, or gives its name to another, is not in the way and not kept from it.
        return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
    }

    /// <summary>What a path is that is no regular file, as the end of a sentence; null for a regular file.</summary>
    public static string? OtherThanFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) return "it is a folder, not a file";
        if (OperatingSystem.IsLinux() && Mode(path) is { } mode) return OtherThanFile(mode);
        if (Target(path) is { } target) return OperatingSystem.IsLinux() || !File.Exists(Path.Combine(Path.GetDirectoryName(path) ?? "", target)) ? $"it is a link to '{target}', which is not there" : null;
        return Path.Exists(path) ? null : "it is not there";
    }

    /// <summary>Whether a path is a named pipe, a socket or a device.</summary>
    public static bool IsSpecial(string path) => OperatingSystem.IsLinux() && !Directory.Exists(path) && Mode(path) is { } mode && OtherThanFile(mode) is not null;

    private static string? OtherThanFile(int mode) => (mode & TypeBits) switch
    {
        Regular => null,
        0x1000 => "it is a named pipe, not a file",
        0xC000 => "it is a socket, not a file",
        _ => "it is a device, not a file",
    };

    private static string? Target(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // The type and permissions of what a path leads to; null where it leads nowhere. .NET says neither pipe nor socket.
    private static unsafe int? Mode(string path)
    {
        const int here = -100;
        const uint type = 1;
        const int offset = 28;
        var status = stackalloc byte[256];
        return Status(here, path, 0, type, status) == 0 ? *(ushort*)(status + offset) : null;
    }

    // Unlike stat's, its structure is the same on every processor.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Status(int folder, string path, int flags, uint mask, byte* status);
}
