using System.Globalization;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runtime;

/// <summary>How many files this process may have open (<c>ulimit -n</c>). The runtime keeps every assembly open, and ends in its own words, or in none, where one more is refused.</summary>
internal static class OpenFiles
{
    /// <summary>A run of the example has 205; telemetry, a dashboard and further plugins come to them.</summary>
    public const int Needed = 256;

    /// <summary>Looks at the limit before much is open. The runtime has raised it as far as it may.</summary>
    /// <returns><see cref="FaultCodes.TooFewFiles"/>; null when there are enough, or nobody tells.</returns>
    public static Fault? Check()
    {
        try
        {
            return OperatingSystem.IsLinux() ? Check(File.ReadLines("/proc/self/limits")) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The same, in the words of <c>/proc/self/limits</c>.</summary>
    public static Fault? Check(IEnumerable<string> limits) =>
        limits.FirstOrDefault(static line => line.StartsWith("Max open files", StringComparison.Ordinal))?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var now, ..]
        && int.TryParse(now, CultureInfo.InvariantCulture, out var limit) && limit < Needed
            ? new Fault.Run(FaultCodes.TooFewFiles, $"this process may have {limit} files open at once, and needs up to {Needed}; 'ulimit -n {Needed}' before it is begun allows them, or whoever set the limit does")
            : null;
}
