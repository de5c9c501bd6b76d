using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry.Measures;

namespace LeapAlign.Host.Planning;

/// <summary>What the system says of memory.</summary>
internal static class SystemMemory
{
    /// <summary>What a step may leave with the C allocator, in bytes: up to here, taking it anew in the next step would cost more than it is worth.</summary>
    public const long MostKept = 512L << 20;

    /// <summary>Bytes of this process that the system cannot take back: everything but pages of files. Where the system does not tell, all of it.</summary>
    public static long Anonymous => ProcFile.Bytes(ProcFile.Status, "RssAnon:") ?? Environment.WorkingSet;

    /// <summary>
    /// Gives back what the C allocator keeps, where that is more than <see cref="MostKept"/>: on a large model it lies in pieces that the next part of a backward, or the next step, does not fill, so that the peak grows.
    /// </summary>
    /// <returns>Whether it did.</returns>
    public static bool GiveBackKept()
    {
        if (!ProcessMemory.HasNative || Anonymous - ProcessMemory.Native - GC.GetGCMemoryInfo().TotalCommittedBytes <= MostKept) return false;
        ProcessMemory.GiveBack();
        return true;
    }

    /// <summary>Bytes that this process may come to: what it has, and what is available beside it, as far as its control group allows.</summary>
    public static long Room => Math.Min(
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        ProcFile.Bytes("/proc/meminfo", "MemAvailable:") is { } available ? available + Anonymous : long.MaxValue);
}
