using System.Runtime.InteropServices;

namespace LeapAlign.Host.Commands;

/// <summary>
/// Turns the first Ctrl+C (or SIGTERM) into a request to stop, after the current step where there are steps. The second one ends the process at once, as if nobody listened.
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
        if (_words is not null) _error.WriteLine(_words);
        _source.Cancel();
    }
}
