using System.Runtime.InteropServices;

namespace LeapAlign.Host.Commands;

/// <summary>
/// Turns the first Ctrl+C (or SIGTERM) into a request to stop after the current step. The second one ends the process at once, as if nobody listened.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>What a shell expects of a program that was interrupted.</summary>
    public const int ExitCode = 130;

    private readonly CancellationTokenSource _source = new();
    private readonly TextWriter _error;
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Listens until disposed.</summary>
    /// <param name="error">Where the user is told what happens.</param>
    public Interruption(TextWriter error)
    {
        _error = error;
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop)];
    }

    /// <summary>Set by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested) return;
        context.Cancel = true;
        _error.WriteLine("stopping after this step; once more stops at once");
        _source.Cancel();
    }
}
