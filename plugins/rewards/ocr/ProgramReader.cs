using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services;

namespace LeapAlign.Rewards.Ocr;

/// <summary>
/// A program of this machine reads, one process for each picture: PNG on its standard input, text on its standard output. A process that takes too long or writes too much
/// is ended with all that it started.
/// </summary>
internal sealed class ProgramReader : ITextReader
{
    // Enough for the excerpt of a fault; the rest is read, so that the program does not wait, and dropped.
    private const int ErrorBytes = 4096;
    private const int ExcerptLength = 200;
    private const int EndedByInterrupt = 130;

    private readonly OcrSettings _settings;
    private readonly PartContext _context;
    private readonly string _program;

    private ProgramReader(OcrSettings settings, PartContext context, string program) => (_settings, _context, _program) = (settings, context, program);

    /// <summary>Finds the program; it is not started yet.</summary>
    /// <returns>A fault when it is not there.</returns>
    public static Result<ITextReader> Create(OcrSettings settings, PartContext context) =>
        ProgramFile.Find(settings.Command[0], context).Map(program => (ITextReader)new ProgramReader(settings, context, program));

    public IReadOnlyList<string> Read(IReadOnlyList<PictureBytes> pictures, IReadOnlyList<Prompt> prompts)
    {
        var texts = new string[pictures.Count];
        SentPictures.Ask(pictures.Count, _settings.Concurrency, async (number, cancellation) =>
        {
            var (png, caption) = (pictures[number].ToPng(), prompts[number].Text);
            // Ctrl+C goes to all processes of a terminal; the run finishes its step, and asks once more.
            texts[number] = await Read(png, caption, mayBeInterrupted: true, cancellation) ?? (await Read(png, caption, mayBeInterrupted: false, cancellation))!;
        });
        return texts;
    }

    public void Dispose()
    {
    }

    /// <summary>Runs the program.</summary>
    /// <returns>What it wrote; null when a signal interrupted it, and it may be.</returns>
    private async Task<string?> Read(byte[] png, string caption, bool mayBeInterrupted, CancellationToken cancellation)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var process = Start(caption);
        late.CancelAfter(TimeSpan.FromSeconds(_settings.Timeout));
        try
        {
            var output = Output(process, caption, late.Token);
            var errors = Errors(process, late.Token);
            // A program of its own making may leave processes behind that hold its output open and listen to nobody: they are not waited for.
            await Task.WhenAll(Input(process, png, late.Token), output, errors, process.WaitForExitAsync(late.Token)).WaitAsync(late.Token);
            if (mayBeInterrupted && process.ExitCode == EndedByInterrupt) return null;
            return process.ExitCode == 0 ? Encoding.UTF8.GetString(await output) : throw Failed(string.Create(CultureInfo.InvariantCulture, $"ended with exit code {process.ExitCode}"), caption, await errors);
        }
        catch (OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw Failed(string.Create(CultureInfo.InvariantCulture, $"had not ended after {_settings.Timeout} s"), caption);
        }
        finally
        {
            End(process);
        }
    }

    private Process Start(string caption)
    {
        var start = new ProcessStartInfo(_program, _settings.Command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        // Tesseract would start four threads for each process and let them spin; there are as many processes as there are to be threads.
        start.Environment.TryAdd("OMP_THREAD_LIMIT", "1");
        try
        {
            return Process.Start(start)!;
        }
        catch (Exception refused) when (refused is Win32Exception or InvalidOperationException)
        {
            throw Failed($"could not be started: {refused.Message}", caption);
        }
    }

    private static async Task Input(Process process, byte[] png, CancellationToken cancellation)
    {
        try
        {
            await using var input = process.StandardInput.BaseStream;
            await input.WriteAsync(png, cancellation);
        }
        catch (IOException)
        {
            // A program need not read all of a picture; whether it failed is what its exit code says.
        }
    }

    private async Task<byte[]> Output(Process process, string caption, CancellationToken cancellation)
    {
        var buffer = new byte[_settings.MaxResponseBytes + 1];
        var read = await process.StandardOutput.BaseStream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        if (read < buffer.Length) return buffer[..read];
        // Before anything else waits for it.
        End(process);
        throw Failed($"wrote more than maxResponseBytes ({_settings.MaxResponseBytes} bytes)", caption);
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
    private FaultException Failed(string what, string caption, byte[]? errors = null)
    {
        _context.Stop.ThrowIfCancellationRequested();
        var said = errors is null ? "" : errors.Length == 0 ? " and said nothing" : $": '{Excerpt(Encoding.UTF8.GetString(errors))}'";
        return new FaultException(new Fault.Run(FaultCodes.ProgramFailed, $"reward '{_context.Name}': the program '{_program}' {what} on the picture of '{Excerpt(caption)}'{said}"));
    }

    private static string Excerpt(string text)
    {
        var line = string.Concat(text.Select(static character => char.IsControl(character) ? ' ' : character)).Trim();
        return line.Length <= ExcerptLength ? line : line[..ExcerptLength];
    }
}
