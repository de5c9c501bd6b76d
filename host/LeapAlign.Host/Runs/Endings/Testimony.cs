using System.Globalization;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>Writes into run.json how a run ended whose process could not, and says it. The process that does it knows only what its variables tell.</summary>
internal static class Testimony
{
    /// <summary>What stands before words of a process that are the fault it ended with, and that it has printed.</summary>
    public const char FaultMark = '!';

    private static readonly string[] s_signals =
    [
        "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM",
        "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    ];

    /// <summary>Gives it.</summary>
    /// <returns>The exit code; nobody waits for it.</returns>
    public static int Give()
    {
        static string Told(string name) => Environment.GetEnvironmentVariable(name) ?? "";
        var started = DateTimeOffset.Parse(Told(Witness.Started), CultureInfo.InvariantCulture);
        var fault = Give(RunFolder.At(Told(Witness.Folder)), started, StageMark.Read(Told(Witness.Mark)), Told(Witness.Status), TimeProvider.System.GetUtcNow());
        return fault is null ? 0 : Console.Error.Error(fault);
    }

    /// <summary>The same with what is known.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="started">When its process began, by which its record is known.</param>
    /// <param name="last">What it left; null when that cannot be read.</param>
    /// <param name="status">The line <c>/proc/…/stat</c> of the process after its end; empty when that was gone already.</param>
    /// <param name="now">The time.</param>
    /// <returns>What has to be said; null when it was said.</returns>
    public static Fault? Give(RunFolder folder, DateTimeOffset started, LastWords? last, string status, DateTimeOffset now)
    {
        var record = RunRecordFile.Read(folder.Record);
        // Whatever happened after the run had ended is no matter of the run.
        if (record is { State: not RunState.Running } && record.Started == started) return null;
        var printed = last?.Words is [FaultMark, .. var known] ? known : null;
        var fault = new Fault.Run(FaultCodes.EndedWithoutWord, $"the process of the run ended without a word{How(status, last?.ExitCode)}, {last?.ToString() ?? "where is not known"}{(printed is null && last?.Words is { } words ? $"; {words}" : "")}", new SourcePlace(folder.Path));
        // Who was quick goes on in the folder already, or began another run there (--force): the record is that of another process then. A folder that is gone stays gone, and another that has its name is none of a run.
        if (record?.Started <= started || (record is null && folder.IsLeft))
        {
            var own = record?.Started == started ? record : new RunRecord(RunEnvironment.Program, started, now, RunState.Running, null, record?.Environment ?? new Dictionary<string, string>(), []);
            // Where it cannot be written either, the line on standard error is what is left.
            _ = RunRecordFile.Write(folder.Record, own.Ended(printed is null ? RunState.Died : RunState.Faulted, printed ?? fault.ToString(), now));
        }
        return printed is null ? fault : null;
    }

    // The last number of the line is what a parent would be told by wait. A parent that was told before the line was read has let go of it; then the process's own word counts.
    private static string How(string status, int? exit)
    {
        var code = status.Split(' ') is [.., var word] && int.TryParse(word, CultureInfo.InvariantCulture, out var told) ? told : 0;
        if (code == 0) return exit is { } own ? Exited(own) : " (a crash in native code, a kill, or want of memory)";
        var signal = code & 0x7f;
        if (signal == 0) return Exited(code >> 8);
        var name = signal < s_signals.Length ? s_signals[signal] : string.Create(CultureInfo.InvariantCulture, $"signal {signal}");
        return signal switch
        {
            9 => $" ({name}: killed, perhaps by the system for want of memory)",
            6 => $" ({name}: it gave itself up; what it said of that stands above)",
            7 or 11 => $" ({name}: a crash in native code)",
            _ => $" ({name})",
        };
    }

    private static string Exited(int code) => string.Create(CultureInfo.InvariantCulture, $" (exit code {code & 0xff})");
}
