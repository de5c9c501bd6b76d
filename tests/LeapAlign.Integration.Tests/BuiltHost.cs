using System.Diagnostics;
using System.Reflection;

namespace LeapAlign.Integration.Tests;

/// <summary>What a run of the program printed, and how it ended.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error);

/// <summary>The built program, as a user starts it.</summary>
internal static class BuiltHost
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(8);

    private static readonly string Folder = typeof(BuiltHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static attribute => attribute.Key == "HostFolder").Value!;

    public static string Program { get; } = Path.Combine(Folder, OperatingSystem.IsWindows() ? "leapalign.exe" : "leapalign");

    public static Outcome Run(string workingFolder, params string[] arguments)
    {
        using var process = Start(workingFolder, Program, arguments);
        return Finish(process);
    }

    /// <summary>Starts a program without waiting.</summary>
    public static Process Start(string workingFolder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { WorkingDirectory = workingFolder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        // Test projects run side by side; see tests/Shared/QuietThreads.cs.
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        return Process.Start(start)!;
    }

    public static Outcome Finish(Process process)
    {
        // A process that goes on for ever would keep all tests from ending: it ends as one that was killed.
        using var limit = new Timer(static process => ((Process)process!).Kill(entireProcessTree: true), process, s_longest, Timeout.InfiniteTimeSpan);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
