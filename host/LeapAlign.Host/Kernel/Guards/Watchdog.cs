using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>
/// Looks from a thread of its own whether stages come to an end. Code that hangs cannot be taken off its thread, so that the process has to end with it; what
/// was checkpointed stays valid.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private readonly StageClock _clock;
    private readonly double _limit;
    private readonly Action<Fault> _hangs;
    private readonly ITimer? _timer;
    private int _told;

    /// <summary>Begins to look.</summary>
    /// <param name="settings">How long a stage may take.</param>
    /// <param name="clock">Says what is under way.</param>
    /// <param name="time">Wakes it.</param>
    /// <param name="hangs">Is told of a stage that hangs, and ends the process.</param>
    public Watchdog(GuardSettings settings, StageClock clock, TimeProvider time, Action<Fault> hangs)
    {
        (_clock, _limit, _hangs) = (clock, settings.StageSeconds, hangs);
        if (_limit <= 0) return;
        var period = TimeSpan.FromSeconds(Math.Clamp(_limit / 4, 0.05, 10));
        _timer = time.CreateTimer(static state => ((Watchdog)state!).Look(), this, period, period);
    }

    public void Dispose() => _timer?.Dispose();

    private void Look()
    {
        if (_clock.UnderWay is not { } stage || stage.Seconds <= _limit) return;
        // The end it leads to takes longer than a period where the disk hangs, too, and the timer does not wait for it.
        if (Interlocked.Exchange(ref _told, 1) != 0) return;
        var part = stage.Part is { } name ? $" of '{name}'" : "";
        _hangs(new Fault.Run(
            FaultCodes.StepHangs,
            FormattableString.Invariant($"the stage '{stage.Name}'{part} has taken {stage.Seconds:0.#} s; guard.stageSeconds allows {_limit:0.#}, and the run ends")));
    }
}
