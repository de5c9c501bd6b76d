using LeapAlign.Pipeline;

namespace LeapAlign.Host.Planning;

/// <summary>The highest value of a number that nobody keeps the peak of, looked at again and again on a thread of its own until it is disposed.</summary>
internal sealed class PeakWatch : IDisposable
{
    private readonly Func<long> _read;
    private readonly TimeSpan _every;
    private readonly Thread _thread;
    private volatile bool _ends;
    private long _highest;
    private long _recent;

    /// <summary>Begins to look.</summary>
    /// <param name="read">Reads the number.</param>
    /// <param name="every">The time between two looks.</param>
    public PeakWatch(Func<long> read, TimeSpan every)
    {
        (_read, _every, _highest) = (read, every, read());
        _recent = _highest;
        _thread = new Thread(Look) { IsBackground = true, Name = "peak of memory" };
        _thread.Start();
    }

    /// <summary>The highest value so far.</summary>
    public long Highest => Interlocked.Read(ref _highest);

    /// <summary>The highest value since the last call, or since it began, that of now among them.</summary>
    public long Take()
    {
        var now = _read();
        return Math.Max(now, Interlocked.Exchange(ref _recent, now));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends = true;
        _thread.Join();
    }

    private void Look()
    {
        SignalStack.Enter();
        while (!_ends)
        {
            var now = _read();
            Interlocked.Exchange(ref _highest, Math.Max(_highest, now));
            // Another thread may have taken it between the two.
            if (now > Interlocked.Read(ref _recent)) Interlocked.Exchange(ref _recent, now);
            Thread.Sleep(_every);
        }
    }
}
