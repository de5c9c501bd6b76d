using System.Runtime.InteropServices;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runtime;

/// <summary>
/// A minidump of a crash, which the runtime writes if variables ask for it when the process begins. So a process that is asked by its command line sets them and begins again, as the same process.
/// </summary>
internal static class CrashDump
{
    /// <summary>The option of <c>train</c>.</summary>
    public const string Option = "--crash-dump";

    private const string Enable = "DOTNET_DbgEnableMiniDump", Type = "DOTNET_DbgMiniDumpType", Name = "DOTNET_DbgMiniDumpName";

    /// <summary>Where a crash of this process leaves it, or why it leaves none.</summary>
    public static Result<string> Place
    {
        get
        {
            if (!OperatingSystem.IsLinux()) return None("it is made on Linux only");
            if (!File.Exists(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "createdump"))) return None($"the runtime in {RuntimeEnvironment.GetRuntimeDirectory()} comes without createdump");
            if (Environment.GetEnvironmentVariable(Enable) != "1") return None($"{Enable} is not 1");
            return (Environment.GetEnvironmentVariable(Name) ?? "/tmp/coredump.%p").Replace("%p", $"{Environment.ProcessId}", StringComparison.Ordinal);
        }
    }

    /// <summary>Begins this process again with the variables, if the command line asks for that and they are not set. Then it does not return.</summary>
    public static void RestartIfAsked(IReadOnlyList<string> arguments)
    {
        if (!OperatingSystem.IsLinux() || !arguments.Contains(Option) || Environment.GetEnvironmentVariable(Enable) is not null) return;
        const string mini = "1";
        Libc.Set(Enable, "1");
        Libc.Set(Type, mini);
        Libc.Set(Name, Path.Combine(Environment.CurrentDirectory, "leapalign-%p.dmp"));
        Restart.Now();
        // Where it cannot, the run goes on and says that there will be none.
    }

    private static Fault None(string why) => new Fault.Run(FaultCodes.NotWatchedOver, $"a crash will leave no dump: {why}");
}
