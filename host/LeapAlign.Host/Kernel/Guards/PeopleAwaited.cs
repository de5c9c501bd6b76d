namespace LeapAlign.Host.Kernel.Guards;

/// <summary>
/// Whether a part of the run waits for people, who are neither late nor hung: the watchdog does not count that time. The user is told of a wait, of the next only when some time has gone by, since a run
/// asks often. Any thread may ask; parts wait on the thread of the run, one at a time.
/// </summary>
/// <param name="error">Where the user is told.</param>
/// <param name="time">The clock.</param>
internal sealed class PeopleAwaited(TextWriter error, TimeProvider time)
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private int _open;
    private long? _told;
    private long? _ended;

    /// <summary>Whether somebody is waited for now.</summary>
    public bool UnderWay
    {
        get
        {
            lock (_gate) return _open > 0;
        }
    }

    /// <summary>Seconds since the last wait was over; infinite when there was none.</summary>
    public double SecondsSince
    {
        get
        {
            lock (_gate) return _ended is { } ended ? time.GetElapsedTime(ended).TotalSeconds : double.PositiveInfinity;
        }
    }

    /// <summary>A wait begins, and is over when what is returned is disposed.</summary>
    /// <param name="line">What the user is told.</param>
    public IDisposable Begin(string line)
    {
        bool tell;
        lock (_gate)
        {
            _open++;
            tell = _told is not { } told || time.GetElapsedTime(told) >= s_quiet;
            if (tell) _told = time.GetTimestamp();
        }
        if (tell)
        {
            error.WriteLine(line);
            error.Flush();
        }
        return new Wait(this);
    }

    private void End()
    {
        lock (_gate)
        {
            _open--;
            _ended = time.GetTimestamp();
        }
    }

    private sealed class Wait(PeopleAwaited all) : IDisposable
    {
        private int _over;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _over, 1) == 0) all.End();
        }
    }
}
