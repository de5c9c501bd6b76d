using System.Globalization;

namespace LeapAlign.Host.Runtime;

/// <summary>Files of Linux that tell memory row by row: a key, a number, kB.</summary>
internal static class ProcFile
{
    /// <summary>The one of this process.</summary>
    public const string Status = "/proc/self/status";

    /// <summary>The number of a row, in bytes; null where the system does not tell.</summary>
    /// <param name="file">The file.</param>
    /// <param name="key">What the row begins with, the colon included.</param>
    public static long? Bytes(string file, string key)
    {
        if (!File.Exists(file)) return null;
        var line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal));
        return line is null ? null : 1024 * long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
