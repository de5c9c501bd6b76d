using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Services.Programs;

/// <summary>
/// A program of this machine that a reward asks, one process for each question: bytes on its standard input, an answer on its standard output. A process that takes too long, writes too much or is not
/// waited for any more is ended with all that it started.
/// </summary>
public sealed class AskedProgram
{
    // Enough for the excerpt of a fault; the rest is read, so that the program does not wait, and dropped.
    private const int ErrorBytes = 4096;
    private const int ExcerptLength = 200;
    private const int EndedByInterrupt = 130;

    private readonly PartContext _context;
    private readonly string _program;
    private readonly IReadOnlyList<string> _arguments;

    private AskedProgram(PartContext context, string program, IReadOnlyList<string> arguments) => (_context, _program, _arguments) = (context, program, arguments);

    /// <summary>Seconds that a process may take.</summary>
    public required double Timeout { get; init; }

    /// <summary>The longest output.</summary>
    public required int MaxOutputBytes { get; init; }

    /// <summary>Finds the program; it is not started yet.</summary>
    /// <param name="command">The program, a path relative to plugins.json or a name on the PATH, and its arguments.</param>
    /// <param name="timeout">Seconds that a process may take.</param>
    /// <param name="maxOutputBytes">The longest output.</param>
    /// <param name="context">Whose reward asks.</param>
    /// <returns>LA5028 when it is not there.</returns>
    public static Result<AskedProgram> Find(IReadOnlyList<string> command, double timeout, int maxOutputBytes, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(command);
        return ProgramFile.Find(command[0], context).Map(program => new AskedProgram(context, program, [.. command.Skip(1)]) { Timeout = timeout, MaxOutputBytes = maxOutputBytes });
    }

    /// <summary>Asks.</summary>
    /// <param name="input">What it has on its standard input.</param>
    /// <param name="caption">The caption that is asked about, for messages.</param>
    /// <param name="variables">What its environment has beside that of the run.</param>
    /// <param name="cancellation">Ends the process.</param>
    /// <exception cref="OperationCanceledException">The caller, or the run, does not want to know any more.</exception>
    public async Task<ProgramAnswer> Ask(byte[] input, string caption, IReadOnlyDictionary<string, string> variables, CancellationToken cancellation) =>
        // Ctrl+C goes to all processes of a terminal; the run finishes its step, and asks once more.
        await Ask((input, caption, variables), mayBeInterrupted: true, cancellation) ?? (await Ask((input, caption, variables), mayBeInterrupted: false, cancellation))!;

    /// <summary>Runs the program.</summary>
    /// <returns>Its answer; null when a signal interrupted it, and it may be.</returns>
    private async Task<ProgramAnswer?> Ask((byte[] Input, string Caption, IReadOnlyDictionary<string, string> Variables) question, bool mayBeInterrupted, CancellationToken cancellation)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Process process;
        try
        {
            process = Process.Start(Start(question.Variables))!;
        }
        catch (Exception refused) when (refused is Win32Exception or InvalidOperationException)
        {
            return Failed($"could not be started: {refused.Message}", question.Caption);
        }
        using var disposed = process;
        late.CancelAfter(TimeSpan.FromSeconds(Timeout));
        try
        {
            var output = Output(process, late.Token);
            var errors = Errors(process, late.Token);
            // A program of its own making may leave processes behind that hold its output open and listen to nobody: they are not waited for.
            await Task.WhenAll(Input(process, question.Input, late.Token), output, errors, process.WaitForExitAsync(late.Token)).WaitAsync(late.Token);
            if (await output is not { } written) return Failed($"wrote more than maxResponseBytes ({MaxOutputBytes} bytes)", question.Caption);
            if (mayBeInterrupted && process.ExitCode == EndedByInterrupt) return null;
            return process.ExitCode == 0
                ? new ProgramAnswer(ProgramEnd.Answered, written, null)
                : Failed(string.Create(CultureInfo.InvariantCulture, $"ended with exit code {process.ExitCode}"), question.Caption, await errors);
        }
        catch (OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            return Failed(string.Create(CultureInfo.InvariantCulture, $"had not ended after {Timeout} s"), question.Caption, end: ProgramEnd.Late);
        }
        finally
        {
            End(process);
        }
    }

    private ProcessStartInfo Start(IReadOnlyDictionary<string, string> variables)
    {
        var start = new ProcessStartInfo(_program, _arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        // Tesseract would start four threads for each process and let them spin; there are as many processes as there are to be threads.
        start.Environment.TryAdd("OMP_THREAD_LIMIT", "1");
        foreach (var (name, value) in variables) start.Environment[name] = value;
        return start;
    }

    private static async Task Input(Process process, byte[] input, CancellationToken cancellation)
    {
        try
        {
            await using var stream = process.StandardInput.BaseStream;
            await stream.WriteAsync(input, cancellation);
        }
        catch (IOException)
        {
            // A program need not read all of it; whether it failed is what its exit code says.
        }
    }

    /// <returns>Null for too much; the process was ended before anything else waits for it.</returns>
    private async Task<byte[]?> Output(Process process, CancellationToken cancellation)
    {
        var buffer = new byte[MaxOutputBytes + 1];
        var read = await process.StandardOutput.BaseStream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        if (read < buffer.Length) return buffer[..read];
        End(process);
        return null;
    }

    private static async Task<byte[]> Errors(Process process, CancellationToken cancellation)
    {
        var stream = process.StandardError.BaseStream;
        var buffer = new byte[ErrorBytes];
        var kept = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        var rest = new byte[ErrorBytes];
        while (kept == buffer.Length && await stream.ReadAsync(rest, cancellation) > 0)
        {
        }
        return buffer[..kept];
    }

    private static void End(Process process)
    {
        try
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        catch (Exception gone) when (gone is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It ended meanwhile, or part of its tree did.
        }
    }

    // As with a service: when the run is asked to stop, what fails is not worth a fault.
    private ProgramAnswer Failed(string what, string caption, byte[]? errors = null, ProgramEnd end = ProgramEnd.Failed)
    {
        _context.Stop.ThrowIfCancellationRequested();
        var said = errors is null ? "" : errors.Length == 0 ? " and said nothing" : $": '{Excerpt(Encoding.UTF8.GetString(errors))}'";
        return new ProgramAnswer(end, [], new Fault.Run(FaultCodes.ProgramFailed, $"reward '{_context.Name}': the program '{_program}' {what} on the picture of '{Excerpt(caption)}'{said}"));
    }

    /// <summary>The beginning of a text, on one line, for messages.</summary>
    public static string Excerpt(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var line = string.Concat(text.Select(static character => char.IsControl(character) ? ' ' : character)).Trim();
        return line.Length <= ExcerptLength ? line : line[..ExcerptLength];
    }
}
