using System.Runtime.InteropServices;
using LeapAlign.Host.Runtime;

namespace LeapAlign.Host.Commands;

/// <summary>
/// Turns the first Ctrl+C (or SIGTERM, or SIGHUP when the terminal is closed) into a request to stop, after the current step where there are steps. The second one ends the process at once, as if nobody listened.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>What a shell expects of a program that was interrupted.</summary>
    public const int ExitCode = 130;

    private const string AfterThisStep = "stopping after this step; once more stops at once";

    private readonly CancellationTokenSource _source = new();
    private readonly TextWriter _error;
    private readonly string? _words;
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Listens until disposed.</summary>
    /// <param name="error">Where the user is told what happens.</param>
    /// <param name="words">What he is told; null for nothing.</param>
    public Interruption(TextWriter error, string? words = AfterThisStep)
    {
        (_error, _words) = (error, words);
        _registrations = [.. Signals().Select(signal => PosixSignalRegistration.Create(signal, Stop))];
    }

    /// <summary>Set by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    // Who starts a run with nohup wants it to go on when the terminal is closed; listening would undo that.
    private static IEnumerable<PosixSignal> Signals() =>
        OperatingSystem.IsLinux() && Libc.Ignores(1) ? [PosixSignal.SIGINT, PosixSignal.SIGTERM] : [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];

    private void Stop(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested) return;
        context.Cancel = true;
        try
        {
            if (_words is not null) _error.WriteLine(_words);
        }
        catch (IOException)
        {
            // The terminal that was closed shows nothing any more.
        }
        finally
        {
            _source.Cancel();
        }
    }
}
