using System.Runtime.InteropServices;

namespace LeapAlign.Host.Runtime;

/// <summary>What the C library does that .NET does not. Linux only: callers ask first.</summary>
internal static unsafe partial class Libc
{
    /// <summary>A file grew beyond its limit (<c>ulimit -f</c>).</summary>
    public const int FileTooLarge = 25;

    private const nint Ignore = 1;
    private const int Terminate = 15;

    /// <summary>Sets a variable where native libraries read it: .NET's own table of variables does not reach them.</summary>
    public static void Set(string name, string value) => _ = SetVariable(name, value, 0);

    /// <summary>A variable as native libraries read it; null when it is not there.</summary>
    public static string? Get(string name) => Marshal.PtrToStringUTF8(GetVariable(name));

    /// <summary>Asks a process to end (SIGTERM); one that is not there any more is none of anybody's concern.</summary>
    public static void AskToEnd(int process) => _ = Kill(process, Terminate);

    /// <summary>Leaves a signal without effect.</summary>
    public static void IgnoreSignal(int signal) => _ = Signal(signal, Ignore);

    /// <summary>Whether this process was started deaf to a signal, as <c>nohup</c> does.</summary>
    public static bool Ignores(int signal) => Ignores(signal, File.ReadLines("/proc/self/status"));

    /// <summary>The same, in the words of <c>/proc/self/status</c>.</summary>
    public static bool Ignores(int signal, IEnumerable<string> status) =>
        status.FirstOrDefault(static line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } line
        && ulong.TryParse(line.AsSpan("SigIgn:".Length).Trim(), System.Globalization.NumberStyles.HexNumber, null, out var mask)
        && (mask >> (signal - 1) & 1) == 1;

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetVariable(string name);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int signal, nint handler);
}
