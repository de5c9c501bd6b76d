using System.Globalization;
using System.Text.Json;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

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
    /// <param name="started">When its process began.</param>
    /// <param name="last">What it left; null when that cannot be read.</param>
    /// <param name="status">The line <c>/proc/…/stat</c> of the process after its end; empty when that was gone already.</param>
    /// <param name="now">The time.</param>
    /// <returns>What has to be said; null when it was said.</returns>
    public static Fault? Give(RunFolder folder, DateTimeOffset started, LastWords? last, string status, DateTimeOffset now)
    {
        if (!Directory.Exists(folder.Path)) return null;
        var record = Read(folder);
        // Whatever happened after the run had ended is no matter of the run.
        if (record is { State: not RunState.Running } && record.Updated >= started) return null;
        var printed = last?.Words is [FaultMark, .. var known] ? known : null;
        var fault = new Fault.Run(FaultCodes.EndedWithoutWord, $"the process of the run ended without a word{How(status)}, {last?.ToString() ?? "where is not known"}{(printed is null && last?.Words is { } words ? $"; it threw {words}" : "")}", new SourcePlace(folder.Path));
        var ended = record is not null && record.Updated >= started
            ? record with { Updated = now }
            : new RunRecord(RunEnvironment.Program, started, now, RunState.Running, null, record?.Environment ?? new Dictionary<string, string>(), []);
        // Where it cannot be written either, the line on standard error is what is left.
        _ = WholeFile.Write(folder.Record, (ended with { State = printed is null ? RunState.Died : RunState.Faulted, Fault = printed ?? fault.ToString() }).ToJson());
        return printed is null ? fault : null;
    }

    private static RunRecord? Read(RunFolder folder)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(folder.Record), RunRecordJson.Default.RunRecord);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    // The last number of the line is what a parent would be told by wait.
    private static string How(string status)
    {
        if (status.Split(' ') is not [.., var word] || !int.TryParse(word, CultureInfo.InvariantCulture, out var code) || code == 0) return " (a crash in native code, a kill, or want of memory)";
        var signal = code & 0x7f;
        if (signal == 0) return string.Create(CultureInfo.InvariantCulture, $" (exit code {code >> 8})");
        var name = signal < s_signals.Length ? s_signals[signal] : string.Create(CultureInfo.InvariantCulture, $"signal {signal}");
        return signal switch
        {
            9 => $" ({name}: killed, perhaps by the system for want of memory)",
            6 => $" ({name}: it gave itself up; what it said of that stands above)",
            7 or 11 => $" ({name}: a crash in native code)",
            _ => $" ({name})",
        };
    }
}
