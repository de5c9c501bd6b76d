using System.Diagnostics;

namespace LeapAlign.Bench;

/// <summary>The built program, which lies beside the benchmark's output; its build put the plugins there.</summary>
internal static class BuiltHost
{
    private static readonly string s_folder = Path.GetFullPath(Path.Combine(
        AppContext.BaseDirectory, "..", "..", "LeapAlign.Host", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))));

    /// <summary>The plugins that come with it.</summary>
    public static string Plugins => Path.Combine(s_folder, "plugins");

    /// <summary>The program.</summary>
    public static string Program => Path.Combine(s_folder, "leapalign");

    /// <summary>Starts it; what it prints has to be read.</summary>
    public static Process Start(params IEnumerable<string> arguments) => Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true })!;
}
