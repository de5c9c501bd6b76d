using System.Globalization;

namespace LeapAlign.Bench;

/// <summary>What Linux counts of processes.</summary>
internal static class ProcessStatus
{
    private static readonly char[] s_blanks = [' ', '\t'];

    /// <summary>A row of <c>/proc/self/status</c>, <c>VmRSS</c> for instance, in kB.</summary>
    public static long Kilobytes(string row) => Number("/proc/self/status", row);

    /// <summary>A row of <c>/proc/self/io</c>.</summary>
    public static long Transfer(string row) => Number("/proc/self/io", row);

    /// <summary>The most resident memory that a process had, in kB; null where it has ended, or another system does not count it.</summary>
    public static long? PeakOf(int process)
    {
        try
        {
            return Number(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status"), "VmHWM");
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            return null;
        }
    }

    private static long Number(string file, string row) => long.Parse(
        File.ReadLines(file).Single(line => line.StartsWith($"{row}:", StringComparison.Ordinal)).Split(s_blanks, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
