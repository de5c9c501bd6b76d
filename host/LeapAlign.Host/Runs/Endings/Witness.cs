using System.Diagnostics;
using System.Globalization;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Endings;

/// <summary>
/// A process that outlives this one. Nothing that a process does about itself helps against SIGKILL, a fault in native code or a stack that overflows. So a shell waits, in its <c>read</c>, on a pipe whose other
/// end only this process holds: a word says that the run has ended as run.json says; without one, the shell becomes <see cref="Testimony"/>, which writes how it ended (docs/decisions/0024).
/// </summary>
internal sealed class Witness : IDisposable
{
    /// <summary>The argument that makes the program give its testimony.</summary>
    public const string Argument = "--testify";

    /// <summary>Variables by which it is told what it has to know; command lines of a user's <c>pkill -f</c> then do not meet it.</summary>
    public const string Folder = "LEAPALIGN_WITNESS_FOLDER", Started = "LEAPALIGN_WITNESS_STARTED", Process = "LEAPALIGN_WITNESS_PROCESS", Mark = "LEAPALIGN_WITNESS_MARK", Status = "LEAPALIGN_WITNESS_STATUS";

    private const string Program = "LEAPALIGN_WITNESS_PROGRAM", Assembly = "LEAPALIGN_WITNESS_ASSEMBLY";

    // Deaf to what is sent to the whole group of a terminal, and without the standard output: whoever reads that waits for this process only. What the system says of how the process ended
    // is there for an instant.
    private const string Script = $$"""
        trap '' INT HUP TERM QUIT
        exec >/dev/null
        read -r word
        [ "$word" = ended ] && exit 0
        { read -r {{Status}} <"/proc/${{Process}}/stat"; } 2>/dev/null
        export {{Status}}
        exec "${{Program}}" ${{{Assembly}}:+"${{Assembly}}"} {{Argument}}
        """;

    private static bool s_isProgram;
    private readonly Process _shell;
    private bool _ended;

    private Witness(Process shell, StageMark? mark)
    {
        (_shell, Stage) = (shell, mark);
        AppDomain.CurrentDomain.UnhandledException += Overhear;
        AppDomain.CurrentDomain.ProcessExit += See;
    }

    /// <summary>Where the run says how far it is; null where there is no such memory.</summary>
    public StageMark? Stage { get; }

    /// <summary>Whether these arguments, and the variables, are those of a process that has to give its testimony.</summary>
    public static bool Is(string[] arguments) => arguments is [Argument] && Environment.GetEnvironmentVariable(Started) is not null;

    /// <summary>This process is the program, which can be started again. Programs that hold the host as a library have no witness.</summary>
    public static void Enable() => s_isProgram = true;

    /// <summary>Starts it.</summary>
    /// <param name="folder">The run's folder, which is there.</param>
    /// <param name="started">When the process began to train, as the record says.</param>
    /// <param name="warn">Is told when there can be none.</param>
    /// <returns>The witness; null when there is none: a run needs none.</returns>
    public static Witness? Begin(RunFolder folder, DateTimeOffset started, Action<Fault> warn) =>
        s_isProgram && OperatingSystem.IsLinux() && Environment.ProcessPath is { } program ? Begin(folder, started, program, warn) : null;

    /// <summary>The same with another program than this one to give the testimony.</summary>
    public static Witness? Begin(RunFolder folder, DateTimeOffset started, string program, Action<Fault> warn)
    {
        var mark = StageMark.Create();
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script]) { RedirectStandardInput = true };
        var known = new Dictionary<string, string>
        {
            [Folder] = folder.Path,
            [Started] = started.ToString("O", CultureInfo.InvariantCulture),
            [Process] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture),
            [Mark] = mark is null ? "" : $"/proc/self/fd/{mark.Descriptor}",
            [Status] = "",
            [Program] = program,
            [Assembly] = Path.GetFileNameWithoutExtension(program) == "dotnet" ? typeof(Witness).Assembly.Location : "",
            // It writes one small file.
            ["DOTNET_GCHeapHardLimit"] = "0x8000000",
            ["DOTNET_DbgEnableMiniDump"] = "0",
        };
        foreach (var (name, value) in known) start.Environment[name] = value;
        try
        {
            return new Witness(System.Diagnostics.Process.Start(start)!, mark);
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException)
        {
            mark?.Dispose();
            warn(new Fault.Run(FaultCodes.NotWatchedOver, $"nobody notes how the run ends if its process is killed: /bin/sh cannot be started ({exception.Message})"));
            return null;
        }
    }

    /// <summary>The run has ended as run.json says.</summary>
    public void End()
    {
        if (_ended) return;
        _ended = true;
        Tell("ended\n");
    }

    /// <summary>The process is about to be ended by this fault, without a chance to write it down.</summary>
    public void Fail(Fault fault) => Stage?.Say($"{Testimony.FaultMark}{fault}");

    public void Dispose()
    {
        AppDomain.CurrentDomain.UnhandledException -= Overhear;
        AppDomain.CurrentDomain.ProcessExit -= See;
        try
        {
            _shell.StandardInput.Close();
        }
        catch (IOException)
        {
            // Somebody ended it.
        }
        // An instant; what it writes without its word takes as long as it takes.
        if (_ended) _shell.WaitForExit(2000);
        _shell.Dispose();
        Stage?.Dispose();
    }

    private void Overhear(object sender, UnhandledExceptionEventArgs arguments)
    {
        if (arguments.ExceptionObject is Exception exception) Stage?.Say($"it threw {exception.GetType().Name}: {exception.Message}");
    }

    // Somebody ends the process in the middle of a run, whose caller must not take that for its end.
    private void See(object? sender, EventArgs arguments)
    {
        if (_ended) return;
        Stage?.Say("a part of the run told the process to exit");
        if (Environment.ExitCode == 0) Environment.ExitCode = CommandLine.Unexpected;
        Stage?.Exit(Environment.ExitCode);
    }

    private void Tell(string words)
    {
        try
        {
            _shell.StandardInput.Write(words);
            _shell.StandardInput.Flush();
        }
        catch (IOException)
        {
            // Somebody ended it.
        }
    }
}
