using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace LeapAlign.Host.Runs.Folders;

/// <summary>What tells a file or folder from others of its name for as long as it is open: the number of its inode, and the device that counts it.</summary>
internal readonly unsafe partial record struct FileIdentity(ulong Inode, ulong Device)
{
    private const int Size = 256;
    private const uint Asked = 0x100;

    private FileIdentity(byte* status)
        : this(*(ulong*)(status + 32), *(ulong*)(status + 136))
    {
    }

    /// <summary>What is open.</summary>
    /// <returns>Null where the system does not tell.</returns>
    public static FileIdentity? Of(SafeFileHandle handle)
    {
        const int ofHandle = 0x1000;
        var status = stackalloc byte[Size];
        return OperatingSystem.IsLinux() && Status(handle, "", ofHandle, Asked, status) == 0 ? new(status) : null;
    }

    /// <summary>What a path leads to, through links.</summary>
    /// <param name="path">The path.</param>
    /// <param name="absent">Whether it leads to nothing.</param>
    /// <returns>Null where it leads to nothing, or the system does not tell.</returns>
    public static FileIdentity? Of(string path, out bool absent)
    {
        const int here = -100, noSuchEntry = 2, notAFolder = 20;
        var status = stackalloc byte[Size];
        absent = false;
        if (!OperatingSystem.IsLinux()) return null;
        if (Status(here, path, 0, Asked, status) == 0) return new(status);
        absent = Marshal.GetLastPInvokeError() is noSuchEntry or notAFolder;
        return null;
    }

    // Unlike stat's, its structure is the same on every processor.
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int folder, string path, int flags, uint mask, byte* status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(SafeFileHandle file, string path, int flags, uint mask, byte* status);
}
