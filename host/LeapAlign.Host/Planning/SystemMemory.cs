using LeapAlign.Host.Runtime;

namespace LeapAlign.Host.Planning;

/// <summary>What the system says of memory.</summary>
internal static class SystemMemory
{
    /// <summary>Bytes of this process that the system cannot take back: everything but pages of files. Where the system does not tell, all of it.</summary>
    public static long Anonymous => ProcFile.Bytes(ProcFile.Status, "RssAnon:") ?? Environment.WorkingSet;

    /// <summary>Bytes that this process may come to: what it has, and what is available beside it, as far as its control group allows.</summary>
    public static long Room => Math.Min(
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        ProcFile.Bytes("/proc/meminfo", "MemAvailable:") is { } available ? available + Anonymous : long.MaxValue);
}
