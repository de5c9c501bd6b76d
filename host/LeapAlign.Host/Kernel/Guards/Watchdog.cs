using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>
/// Hears of stages, and looks from a thread of its own whether each comes to an end. Code that hangs cannot be taken off its thread, so that the process has to end with it; what
/// was checkpointed stays valid.
/// </summary>
internal sealed class Watchdog : IStageListener, IDisposable
{
    private const double RankShare = 0.9;
    private readonly TimeProvider _time;
    private readonly double _limit;
    private readonly double _rankLimit;
    private readonly RunRanks? _ranks;
    private readonly Action<Fault> _hangs;
    private readonly PeopleAwaited? _people;
    private readonly ITimer? _timer;
    private volatile Entry? _entry;
    private int _told;

    /// <summary>Begins to look.</summary>
    /// <param name="settings">How long a stage may take.</param>
    /// <param name="time">Wakes it, and is what it measures.</param>
    /// <param name="hangs">Is told of a stage that hangs, and ends the process.</param>
    /// <param name="ranks">The processes of the run; null for one.</param>
    /// <param name="people">Whether the run waits for people, whose time does not count; null where it never does.</param>
    public Watchdog(GuardSettings settings, TimeProvider time, Action<Fault> hangs, RunRanks? ranks = null, PeopleAwaited? people = null)
    {
        (_time, _hangs, _ranks, _people) = (time, hangs, ranks, people);
        // A process that hangs ends before the others have waited for too long: it can say where.
        var apart = ranks is { IsAlone: false } && settings.RankSeconds > 0 ? settings.RankSeconds : double.PositiveInfinity;
        var stage = settings.StageSeconds > 0 ? settings.StageSeconds : double.PositiveInfinity;
        (_limit, _rankLimit) = (Math.Min(stage, RankShare * apart), apart);
        if (double.IsPositiveInfinity(_limit)) return;
        // Often enough that the one that hangs is there first.
        var period = TimeSpan.FromSeconds(Math.Clamp(Math.Min(_limit / 4, (_rankLimit - _limit) / 4), 0.05, 10));
        _timer = time.CreateTimer(static state => ((Watchdog)state!).Look(), this, period, period);
    }

    /// <summary>The innermost stage, the reward that scores in it, and the seconds since it was entered or came to the front again; null between stages. Any thread may ask.</summary>
    public (string Name, string? Part, double Seconds)? UnderWay => _entry is { } entry ? (entry.Stage.Name, entry.Stage.Reward?.Part.Name, _time.GetElapsedTime(entry.Since).TotalSeconds) : null;

    public void Entered(in Stage stage) => _entry = new Entry(stage, _time.GetTimestamp());

    public void Left(in Stage? outer) => _entry = outer is { } stage ? new Entry(stage, _time.GetTimestamp()) : null;

    public void Dispose() => _timer?.Dispose();

    private void Look()
    {
        if (UnderWay is not { } stage || _people is { UnderWay: true }) return;
        // What comes behind a wait has the time of a stage.
        var seconds = Math.Min(stage.Seconds, _people?.SecondsSince ?? double.PositiveInfinity);
        if (seconds <= (IsMeeting(stage.Name) ? _rankLimit : _limit)) return;
        // The end it leads to takes longer than a period where the disk hangs, too, and the timer does not wait for it.
        if (Interlocked.Exchange(ref _told, 1) != 0) return;
        var part = stage.Part is { } name ? $" of '{name}'" : "";
        Fault fault = IsMeeting(stage.Name)
            ? new Fault.Run(FaultCodes.RankMissing, FormattableString.Invariant($"this process has waited for the others for {seconds:0.#} s at '{_ranks?.At}'; guard.rankSeconds allows {_rankLimit:0.#}, and the run ends: another process hangs, or does something that takes longer"))
            : new Fault.Run(FaultCodes.StepHangs, FormattableString.Invariant($"the stage '{stage.Name}'{part} has taken {seconds:0.#} s; {(_ranks is not { IsAlone: false } || _limit < _rankLimit * RankShare ? "guard.stageSeconds" : "guard.rankSeconds, with others waiting,")} allows {_limit:0.#}, and the run ends"));
        _hangs(_ranks is { IsAlone: false } several ? fault with { Rank = several.Rank } : fault);
    }

    private static bool IsMeeting(string stage) => stage is RunRanks.WaitStage or RunRanks.ReduceStage or RunRanks.GatherStage;

    private sealed record Entry(Stage Stage, long Since);
}
