using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel.Guards;

/// <summary>What an evaluation and one of its previews showed first.</summary>
/// <param name="Step">Steps done before it.</param>
/// <param name="Drawn">How both were drawn: others are not compared with it.</param>
/// <param name="Evaluation">The trained sum of each picture of the evaluation.</param>
/// <param name="Preview">That of each picture of the preview.</param>
/// <param name="Measures">The artefact measures of the preview's pictures.</param>
internal sealed record DeploymentBase(int Step, string Drawn, IReadOnlyList<double> Evaluation, IReadOnlyList<double> Preview, IReadOnlyDictionary<string, IReadOnlyList<double>> Measures);

/// <summary>What evaluations are compared with.</summary>
/// <param name="Bases">By the name of the preview.</param>
internal sealed record DeploymentState(IReadOnlyDictionary<string, DeploymentBase> Bases);

/// <summary>
/// Watches whether training and use part: the trained sum rises where evaluations draw, and falls where a preview does, each by more than the noise of the
/// difference to the first evaluation, picture by picture. Measures of artefacts are compared for each preview, as the sentinel does for the evaluation itself.
/// </summary>
/// <param name="plan">The run.</param>
internal sealed class DeploymentWatch(RunPlan plan)
{
    private readonly SentinelSettings _settings = plan.Sentinel;
    private readonly IReadOnlyList<RewardPlan> _trained = [.. plan.Rewards.Where(static reward => reward.Role == RewardRole.Train)];
    private readonly Dictionary<string, SourcePlace> _places = plan.Previews.ToDictionary(static form => form.Preview!, static form => form.Place, StringComparer.Ordinal);

    /// <summary>Saved in every checkpoint; null before the first preview.</summary>
    public DeploymentState? State { get; private set; }

    /// <summary>Goes on from a saved state.</summary>
    public void Resume(DeploymentState? state) => State = state;

    /// <summary>Looks at an evaluation and its previews.</summary>
    /// <returns>What the user should know.</returns>
    public IReadOnlyList<Fault> Look(EvaluationReport report)
    {
        if (_settings.Mode == "off") return [];
        List<Fault> warnings = [];
        foreach (var preview in report.Previews)
        {
            var name = preview.Drawn!.Preview!;
            var (trained, seen) = (Trained(report), Trained(preview));
            // What is not finite is warned of elsewhere, and is compared with nothing.
            if (!trained.Concat(seen).All(double.IsFinite)) continue;
            var drawn = $"{report.Drawn}; {preview.Drawn}";
            if (State?.Bases.GetValueOrDefault(name) is not { } first || first.Drawn != drawn || first.Evaluation.Count != trained.Count || first.Preview.Count != seen.Count)
            {
                var measures = preview.Measures.Where(static measure => measure.Value.All(double.IsFinite)).ToDictionary();
                State = new DeploymentState(new Dictionary<string, DeploymentBase>(State?.Bases ?? new Dictionary<string, DeploymentBase>()) { [name] = new(report.Step, drawn, trained, seen, measures) });
                continue;
            }
            if (Parted(report, preview, first, (trained, seen)) is { } parted) warnings.Add(parted);
            warnings.AddRange(first.Measures.Keys.Select(measure => Drifted(report, preview, measure, first)).OfType<Fault>());
        }
        return warnings;
    }

    private Fault? Parted(EvaluationReport report, EvaluationReport preview, DeploymentBase first, (IReadOnlyList<double> Evaluation, IReadOnlyList<double> Preview) now)
    {
        var gained = PairedDifference.Of(now.Evaluation, first.Evaluation);
        var lost = PairedDifference.Of(now.Preview, first.Preview);
        if (gained.Mean <= _settings.Noise * gained.Error || lost.Mean >= -_settings.Noise * lost.Error) return null;
        return new Fault.Run(
            FaultCodes.PreviewParted,
            FormattableString.Invariant($"after step {report.Step} the trained reward is {gained.Mean:G3} above that of step {first.Step} in the evaluation ({report.Drawn}), but {-lost.Mean:G3} below it in the preview '{preview.Drawn!.Preview}' ({preview.Drawn}; noise {lost.Error:G2})"),
            _places.GetValueOrDefault(preview.Drawn!.Preview!));
    }

    private Fault? Drifted(EvaluationReport report, EvaluationReport preview, string name, DeploymentBase first) =>
        preview.Measures.TryGetValue(name, out var now) && now.All(double.IsFinite) && PictureDrift.Of(name, now, first.Measures[name], _settings.Noise) is { } drift
            ? new Fault.Run(
                FaultCodes.PicturesDrift,
                FormattableString.Invariant($"after step {report.Step} the {name} of the preview '{preview.Drawn!.Preview}' ({preview.Drawn}) is {drift.Now:G3}; it was {drift.Before:G3} after step {first.Step}"),
                _places.GetValueOrDefault(preview.Drawn!.Preview!))
            : null;

    // What training sees of each picture.
    private IReadOnlyList<double> Trained(EvaluationReport report) =>
        [.. Enumerable.Range(0, report.Images).Select(picture => _trained.Sum(reward => reward.Weight * (report.Scores[reward.Part.Name][picture] - reward.Offset) / reward.Scale))];
}
