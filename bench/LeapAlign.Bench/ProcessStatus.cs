using System.Globalization;

namespace LeapAlign.Bench;

/// <summary>What Linux counts of this process.</summary>
internal static class ProcessStatus
{
    private static readonly char[] s_blanks = [' ', '\t'];

    /// <summary>A row of <c>/proc/self/status</c>, <c>VmRSS</c> for instance, in kB.</summary>
    public static long Kilobytes(string row) => Number("/proc/self/status", row);

    /// <summary>A row of <c>/proc/self/io</c>.</summary>
    public static long Transfer(string row) => Number("/proc/self/io", row);

    private static long Number(string file, string row) => long.Parse(
        File.ReadLines(file).Single(line => line.StartsWith($"{row}:", StringComparison.Ordinal)).Split(s_blanks, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
