using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using LeapAlign.Pipeline;
using Microsoft.Win32.SafeHandles;

namespace LeapAlign.Host.Runtime;

/// <summary>
/// How many files this process may have open (<c>ulimit -n</c>). The runtime keeps every assembly open, and ends in its own words, or in none, where one more is refused. So the look at the limit
/// and what is said of it need no assembly beside the runtime's core.
/// </summary>
internal static class OpenFiles
{
    /// <summary><c>list</c> has 276 at its peak, with every bundled plugin open; a run with telemetry, a dashboard and further plugins has more.</summary>
    public const int Needed = 512;

    private const int StandardError = 2;
    private const string Row = "Max open files";

    /// <summary>Looks at the limit before much is open, and says on standard error when it is too low. The runtime has raised it as far as it may.</summary>
    /// <returns>The exit code to end with; null when there are enough, or nobody tells.</returns>
    public static int? Refuse()
    {
        if (!OperatingSystem.IsLinux()) return null;
        string? refusal;
        try
        {
            refusal = RefusalOf(File.ReadAllText("/proc/self/limits"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        return refusal is null ? null : Say(refusal);
    }

    /// <summary>What there is to say of the limit.</summary>
    /// <param name="limits">The text of <c>/proc/self/limits</c>.</param>
    /// <returns>The message of <see cref="FaultCodes.TooFewFiles"/>; null when there are enough.</returns>
    public static string? RefusalOf(string limits)
    {
        var row = limits.IndexOf(Row, StringComparison.Ordinal);
        if (row < 0) return null;
        var words = limits[(row + Row.Length)..].Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words.Length > 0 && int.TryParse(words[0], CultureInfo.InvariantCulture, out var limit) && limit < Needed
            ? $"this process may have {limit} files open at once, and needs up to {Needed}; 'ulimit -n {Needed}' before it is begun allows them, or whoever set the limit does"
            : null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Say(string refusal)
    {
        using var error = new SafeFileHandle(StandardError, ownsHandle: false);
        try
        {
            using var stream = new FileStream(error, FileAccess.Write, bufferSize: 0);
            stream.Write(Encoding.UTF8.GetBytes($"error {FaultCodes.TooFewFiles}: {refusal}\n"));
        }
        catch (IOException)
        {
            // Nobody listens.
        }
        return ExitCode;
    }

    // Of Fault.Run, which lies in another assembly.
    internal const int ExitCode = 6;
}
