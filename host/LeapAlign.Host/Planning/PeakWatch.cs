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

    /// <summary>Begins to look.</summary>
    /// <param name="read">Reads the number.</param>
    /// <param name="every">The time between two looks.</param>
    public PeakWatch(Func<long> read, TimeSpan every)
    {
        (_read, _every, _highest) = (read, every, read());
        _thread = new Thread(Look) { IsBackground = true, Name = "peak of memory" };
        _thread.Start();
    }

    /// <summary>The highest value so far.</summary>
    public long Highest => Interlocked.Read(ref _highest);

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
            Interlocked.Exchange(ref _highest, Math.Max(_highest, _read()));
            Thread.Sleep(_every);
        }
    }
}
