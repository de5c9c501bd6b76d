using System.Runtime.InteropServices;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry;

namespace LeapAlign.Host.Commands;

/// <summary>
/// Turns the first Ctrl+C (or SIGTERM, SIGUSR1, or SIGHUP when the terminal is closed) into a request to stop, after the current step where there are steps. A later one ends the process at once, as if nobody listened. What comes in
/// the instant after the first is the same request: <c>timeout</c> and a shell whose terminal is closed tell a program and the group that it is in.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>What a shell expects of a program that was interrupted.</summary>
    public const int ExitCode = 130;

    private const string AfterThisStep = "stopping after this step; once more stops at once";

    /// <summary>For so long after the first signal others are the same request.</summary>
    public static readonly TimeSpan Same = TimeSpan.FromSeconds(0.5);

    private readonly CancellationTokenSource _source = new();
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private long? _first;
    private readonly TextWriter _error;
    private readonly string? _words;
    private readonly Action? _atOnce;
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Listens until disposed.</summary>
    /// <param name="error">Where the user is told what happens.</param>
    /// <param name="words">What he is told; null for nothing.</param>
    /// <param name="time">The clock; the system's when absent.</param>
    /// <param name="atOnce">What is still done when a later signal ends the process.</param>
    public Interruption(TextWriter error, string? words = AfterThisStep, TimeProvider? time = null, Action? atOnce = null)
    {
        (_error, _words, _time, _atOnce) = (error, words, time ?? TimeProvider.System, atOnce);
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

    /// <summary>SIGUSR1, which batch systems are customarily told to send before the time of a job is over.</summary>
    public const PosixSignal BeforeTheEnd = (PosixSignal)10;

    // Who starts a run with nohup wants it to go on when the terminal is closed; listening would undo that. Processes of a launcher hear SIGUSR1 once their library is loaded, which takes it for itself.
    private static IEnumerable<PosixSignal> Signals()
    {
        yield return PosixSignal.SIGINT;
        yield return PosixSignal.SIGTERM;
        if (!OperatingSystem.IsLinux() || !Libc.Ignores(1)) yield return PosixSignal.SIGHUP;
        if (OperatingSystem.IsLinux() && Launcher.Here is not { StartsSeveral: true } && !Libc.Ignores((int)BeforeTheEnd)) yield return BeforeTheEnd;
    }

    private void Stop(PosixSignalContext context) => context.Cancel = Hear();

    /// <summary>Asks to stop.</summary>
    /// <param name="source">Who is asked.</param>
    public static void Request(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (Exception exception) when (exception is AggregateException or ObjectDisposedException)
        {
            // What a part does when it is asked to stop failed: the request stands all the same. Or there is nothing to stop any more.
            Thrown.Keep(exception, "the request to stop");
        }
    }

    /// <summary>Hears a signal.</summary>
    /// <returns>Whether it is a request; otherwise it has its usual effect.</returns>
    public bool Hear()
    {
        lock (_lock)
        {
            if (_first is { } first)
            {
                if (_time.GetElapsedTime(first) < Same) return true;
                _atOnce?.Invoke();
                return false;
            }
            _first = _time.GetTimestamp();
        }
        // Before anything is said: a terminal that takes no more text must not keep the run from hearing it.
        Request(_source);
        try
        {
            if (_words is not null) _error.WriteLine(_words);
        }
        catch (IOException)
        {
            // The terminal that was closed shows nothing any more.
        }
        return true;
    }
}
