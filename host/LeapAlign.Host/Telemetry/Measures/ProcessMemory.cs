using System.Runtime.InteropServices;
using LeapAlign.Host.Runtime;

namespace LeapAlign.Host.Telemetry.Measures;

/// <summary>The memory of this process, outside the managed heap.</summary>
internal static unsafe class ProcessMemory
{
    private static readonly delegate* unmanaged<MallInfo> s_read = (delegate* unmanaged<MallInfo>)Find("mallinfo2");
    private static readonly delegate* unmanaged<nuint, int> s_trim = (delegate* unmanaged<nuint, int>)Find("malloc_trim");

    /// <summary>Whether the C allocator can be asked.</summary>
    public static bool HasNative => s_read is not null;

    /// <summary>Bytes that the C allocator has handed out and not got back; 0 where it cannot be asked.</summary>
    public static long Native
    {
        get
        {
            if (s_read is null) return 0;
            var info = s_read();
            return (long)(info.Used + info.Mapped);
        }
    }

    /// <summary>The largest resident memory so far, in bytes; 0 where the system does not tell.</summary>
    public static long PeakResident => ProcFile.Bytes(ProcFile.Status, "VmHWM:") ?? 0;

    /// <summary>Gives what the C allocator has got back to the system, also where it is tuned to keep it: after work that what follows has nothing to do with.</summary>
    public static void GiveBack()
    {
        if (s_trim is not null) _ = s_trim(0);
    }

    private static void* Find(string function) =>
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var library) && NativeLibrary.TryGetExport(library, function, out var symbol) ? (void*)symbol : null;

    // struct mallinfo2 of malloc.h: ten size_t, of which two are looked at.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct MallInfo
    {
        private readonly nuint _arena, _freeChunks, _fastChunks, _mappedBlocks;

        public readonly nuint Mapped;

        private readonly nuint _unused, _fastBytes;

        public readonly nuint Used;

        private readonly nuint _free, _trimmable;
    }
}
