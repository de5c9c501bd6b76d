using System.Globalization;

namespace LeapAlign.Host.Planning;

/// <summary>What the system says of memory.</summary>
internal static class SystemMemory
{
    /// <summary>Bytes of this process that the system cannot take back: everything but pages of files. Where the system does not tell, all of it.</summary>
    public static long Anonymous => Read("/proc/self/status", "RssAnon:") ?? Environment.WorkingSet;

    /// <summary>Bytes that this process may come to: what it has, and what is available beside it, as far as its control group allows.</summary>
    public static long Room => Math.Min(
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        Read("/proc/meminfo", "MemAvailable:") is { } available ? available + Anonymous : long.MaxValue);

    private static long? Read(string file, string key)
    {
        if (!File.Exists(file)) return null;
        var line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal));
        return line is null ? null : 1024 * long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
