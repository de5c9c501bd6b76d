using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>The evaluation at which a held-out reward was highest.</summary>
/// <param name="Step">Steps done before it.</param>
/// <param name="Trained">The trained sum at that evaluation.</param>
/// <param name="Scores">The held-out reward of each picture.</param>
internal sealed record HeldOutPeak(int Step, double Trained, IReadOnlyList<double> Scores);

/// <summary>The state of the sentinel.</summary>
/// <param name="Peaks">By held-out reward.</param>
/// <param name="Base">The artefact measures of each picture at the first evaluation, by measure.</param>
/// <param name="InARow">Evaluations until now that showed a reward being gamed.</param>
internal sealed record SentinelState(IReadOnlyDictionary<string, HeldOutPeak> Peaks, IReadOnlyDictionary<string, IReadOnlyList<double>> Base, int InARow)
{
    /// <summary>At the beginning of a run.</summary>
    public static SentinelState Start { get; } = new(new Dictionary<string, HeldOutPeak>(), new Dictionary<string, IReadOnlyList<double>>(), 0);
}

/// <summary>What the sentinel saw in an evaluation.</summary>
/// <param name="Warnings">What the user should know.</param>
/// <param name="Stops">Whether the run ends.</param>
internal sealed record SentinelFinding(IReadOnlyList<Fault> Warnings, bool Stops);

/// <summary>
/// Watches for a reward that is gamed: the trained sum rises while a held-out reward falls below its own best by more than the noise of the difference,
/// which is taken picture by picture (same captions, same noise). Measures of artefacts and diversity are compared with the first evaluation and only warned of.
/// A reward whose scores are not all finite is not looked at in that evaluation: what is remembered of it stays.
/// </summary>
/// <param name="settings">When it speaks.</param>
/// <param name="rewards">The rewards of the run.</param>
internal sealed class Sentinel(SentinelSettings settings, IReadOnlyList<RewardPlan> rewards)
{
    private readonly IReadOnlyList<RewardPlan> _trained = [.. rewards.Where(static reward => reward.Role == RewardRole.Train)];
    private readonly IReadOnlyList<RewardPlan> _heldOut = [.. rewards.Where(static reward => reward.Role == RewardRole.HeldOut)];

    /// <summary>The sentinel's state, saved in every checkpoint.</summary>
    public SentinelState State { get; private set; } = SentinelState.Start;

    /// <summary>Whether what it saw ends the run. It does so again in a run that goes on from there.</summary>
    public bool Stops => settings.Mode == "stop" && State.InARow >= settings.Patience;

    /// <summary>Goes on from a saved state.</summary>
    public void Resume(SentinelState? state) => State = state ?? SentinelState.Start;

    /// <summary>Looks at an evaluation.</summary>
    public SentinelFinding Look(EvaluationReport report)
    {
        if (settings.Mode == "off") return new SentinelFinding([], false);
        var trained = _trained.Sum(reward => reward.Weight * (report.Scores[reward.Part.Name].Average() - reward.Offset) / reward.Scale);
        List<string> seen = double.IsFinite(trained) ? [.. _heldOut.Select(static reward => reward.Part.Name).Where(name => IsFinite(report.Scores[name]))] : [];
        var fallen = seen.Select(name => Fallen(name, report, trained)).OfType<string>().ToList();
        // What was not seen neither goes on with a row nor ends it.
        var row = fallen.Count > 0 ? State.InARow + 1 : seen.Count < _heldOut.Count ? State.InARow : 0;
        var measures = report.Measures.Where(static measure => IsFinite(measure.Value)).ToDictionary();
        List<Fault> warnings = [.. measures.Keys.Intersect(State.Base.Keys).Select(name => Drifted(name, report)).OfType<Fault>()];
        State = new SentinelState(Peaks(seen, report, trained), State.Base.Count == 0 ? measures : State.Base, row);
        if (fallen.Count == 0 || row < settings.Patience) return new SentinelFinding(warnings, false);
        warnings.Insert(0, new Fault.Run(
            FaultCodes.RewardHacked,
            $"after step {report.Step} the trained reward goes on rising while {string.Join(" and ", fallen)}, in {row} evaluations one after another: it is being gamed"));
        return new SentinelFinding(warnings, Stops);
    }

    private Dictionary<string, HeldOutPeak> Peaks(IReadOnlyList<string> seen, EvaluationReport report, double trained)
    {
        var peaks = State.Peaks.ToDictionary();
        foreach (var name in seen)
        {
            var now = report.Scores[name];
            // A peak of other pictures is none of these.
            if (!peaks.TryGetValue(name, out var peak) || peak.Scores.Count != now.Count || now.Average() > peak.Scores.Average())
                peaks[name] = new HeldOutPeak(report.Step, trained, now);
        }
        return peaks;
    }

    private string? Fallen(string name, EvaluationReport report, double trained)
    {
        if (!State.Peaks.TryGetValue(name, out var peak) || peak.Scores.Count != report.Scores[name].Count || trained <= peak.Trained) return null;
        var (mean, error) = PairedDifference.Of(report.Scores[name], peak.Scores);
        return mean < 0 && -mean > settings.Noise * error
            ? FormattableString.Invariant($"'{name}' is {-mean:G3} below its best at step {peak.Step} (noise {error:G2})")
            : null;
    }

    private Fault? Drifted(string name, EvaluationReport report) => PictureDrift.Of(name, report.Measures[name], State.Base[name], settings.Noise) is { } drift
        ? new Fault.Run(FaultCodes.PicturesDrift, FormattableString.Invariant($"after step {report.Step} the {name} of the pictures is {drift.Now:G3}; it was {drift.Before:G3} before training"))
        : null;

    private static bool IsFinite(IReadOnlyList<double> values) => values.All(double.IsFinite);
}
