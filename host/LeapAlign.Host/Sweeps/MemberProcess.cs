using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Sweeps;

/// <summary>A process that runs a member.</summary>
/// <param name="Arguments">Those of the program.</param>
/// <param name="Log">The file that takes what it prints, behind what is there.</param>
/// <param name="Processors">How many it may keep busy; null for all that this one may.</param>
internal sealed record MemberStart(IReadOnlyList<string> Arguments, string Log, int? Processors);

/// <summary>How a process ended.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Error">The last fault that it told; null for none.</param>
internal sealed record MemberEnd(int ExitCode, string? Error);

/// <summary>Runs members in processes of their own.</summary>
internal interface IMemberProcess
{
    /// <summary>Runs one to its end.</summary>
    /// <param name="start">How.</param>
    /// <param name="stop">Asks it to stop after its step.</param>
    /// <returns>How it ended; a fault when it could not be started.</returns>
    Task<Result<MemberEnd>> Run(MemberStart start, CancellationToken stop);

    /// <summary>Ends all that are under way at once.</summary>
    void EndAll();
}

/// <summary>Processes of this program.</summary>
internal sealed class MemberProcess : IMemberProcess
{
    // Where the runtime reads how many processors there are; run.threads goes before it.
    private const string Count = "DOTNET_PROCESSOR_COUNT";

    private const string ErrorMark = "error ";

    private readonly ConcurrentDictionary<Process, bool> _running = new();

    /// <summary>The words by which this program is started again.</summary>
    public static IReadOnlyList<string> Program { get; } = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet"
        ? [path, typeof(MemberProcess).Assembly.Location]
        : [Environment.ProcessPath ?? "leapalign"];

    /// <inheritdoc/>
    public async Task<Result<MemberEnd>> Run(MemberStart start, CancellationToken stop)
    {
        var said = new ProcessStartInfo(Program[0], [.. Program.Skip(1), .. start.Arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8 };
        if (start.Processors is { } count) said.Environment[Count] = count.ToString(CultureInfo.InvariantCulture);
        try
        {
            var log = new StreamWriter(start.Log, append: true) { AutoFlush = true };
            await using (log.ConfigureAwait(false)) return await Run(said, TextWriter.Synchronized(log), stop).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return RunFolder.CannotWrite(start.Log, exception);
        }
        catch (Win32Exception exception)
        {
            return new Fault.Run(FaultCodes.MembersFailed, $"the program cannot be started again: {exception.Message}", new SourcePlace(Program[0]));
        }
    }

    /// <inheritdoc/>
    public void EndAll()
    {
        foreach (var process in _running.Keys)
        {
            try
            {
                // It alone: what watches over it notes how it ended.
                process.Kill();
            }
            catch (Exception exception) when (exception is InvalidOperationException or Win32Exception)
            {
                // It has ended.
            }
        }
    }

    private async Task<Result<MemberEnd>> Run(ProcessStartInfo said, TextWriter log, CancellationToken stop)
    {
        using var process = Process.Start(said)!;
        _running[process] = true;
        try
        {
            await using var asked = stop.Register(() => Ask(process)).ConfigureAwait(false);
            var output = Copy(process.StandardOutput, log);
            var error = await Copy(process.StandardError, log).ConfigureAwait(false);
            await output.ConfigureAwait(false);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            return new MemberEnd(process.ExitCode, error);
        }
        finally
        {
            _running.TryRemove(process, out _);
        }
    }

    // Ctrl+C reaches it from the terminal too, which it takes for the same request. Windows has no signal for one process.
    private static void Ask(Process process)
    {
        if (!OperatingSystem.IsWindows() && !process.HasExited) Libc.AskToEnd(process.Id);
    }

    // A log that cannot be written any more ends no run.
    private static async Task<string?> Copy(StreamReader from, TextWriter log)
    {
        string? last = null;
        var writes = true;
        while (await from.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } line)
        {
            if (line.StartsWith(ErrorMark, StringComparison.Ordinal)) last = line;
            try
            {
                if (writes) await log.WriteLineAsync(line).ConfigureAwait(false);
            }
            catch (Exception exception) when (RunFolder.IsRefusal(exception))
            {
                writes = false;
            }
        }
        return last;
    }
}
