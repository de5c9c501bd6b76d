namespace LeapAlign.Host.Tests.Live;

/// <summary>A clock that a test moves.</summary>
internal sealed class ManualTime : TimeProvider
{
    private DateTimeOffset _now = TimeProvider.System.GetUtcNow();

    /// <summary>How long it takes between two looks at the clock.</summary>
    public TimeSpan Cost { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Advance(TimeSpan by) => _now += by;

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp()
    {
        _now += Cost;
        return _now.UtcTicks;
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
