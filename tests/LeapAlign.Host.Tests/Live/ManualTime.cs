namespace LeapAlign.Host.Tests.Live;

/// <summary>A clock that a test moves.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = TimeProvider.System.GetUtcNow();

    /// <summary>How long it takes between two looks at the clock.</summary>
    public TimeSpan Cost { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Moves it, and does on the way what timers were set for.</summary>
    public void Advance(TimeSpan by)
    {
        var until = _now + by;
        while (_timers.Where(timer => timer.Due <= until).MinBy(static timer => timer.Due) is { } next)
        {
            if (next.Due > _now) _now = next.Due;
            next.Fire();
        }
        _now = until;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        _timers.Add(timer);
        return timer;
    }

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp()
    {
        _now += Cost;
        return _now.UtcTicks;
    }

    private sealed class ManualTimer(ManualTime time, Action callback) : ITimer
    {
        private TimeSpan _period;

        public DateTimeOffset Due { get; private set; }

        public void Fire()
        {
            Due = _period > TimeSpan.Zero ? Due + _period : DateTimeOffset.MaxValue;
            callback();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            (Due, _period) = (dueTime < TimeSpan.Zero ? DateTimeOffset.MaxValue : time._now + dueTime, period);
            return true;
        }

        public void Dispose() => time._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>A clock on which everything waits for a hundredth of its time.</summary>
internal sealed class HurriedTime : TimeProvider
{
    private const int Faster = 100;

    public override long TimestampFrequency => base.TimestampFrequency / Faster;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime < TimeSpan.Zero ? dueTime : dueTime / Faster, period < TimeSpan.Zero ? period : period / Faster);
}
