using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Runs.Metrics;
using LeapAlign.Host.Runs.Records;

namespace LeapAlign.Host.Reports.Pages;

/// <summary>What a page shows, as the JSON inside it: charts and tables have no other source.</summary>
/// <param name="Program">The version that wrote the page.</param>
/// <param name="Runs">Its runs.</param>
/// <param name="Comparison">Them at the same point; null for one run alone.</param>
internal sealed record ReportData(string Program, IReadOnlyList<RunData> Runs, Comparison? Comparison)
{
    /// <summary>Puts together what a page shows.</summary>
    public static ReportData Of(IReadOnlyList<RecordedRun> runs, EmbeddedPictures pictures) =>
        new(RunEnvironment.Program, [.. runs.Select(run => RunData.Of(run, pictures))], runs.Count > 1 ? Comparison.Of(runs) : null);
}

/// <summary>A run of a page.</summary>
internal sealed record RunData
{
    public required string Name { get; init; }

    /// <summary>What the run says about itself; null when the folder has no run.json.</summary>
    public required RunRecord? Record { get; init; }

    /// <summary>Steps done.</summary>
    public required int Done { get; init; }

    /// <summary>Steps asked for.</summary>
    public required long Planned { get; init; }

    public required long SamplesPerStep { get; init; }

    public required string Algorithm { get; init; }

    public required string Model { get; init; }

    public required IReadOnlyList<RewardData> Rewards { get; init; }

    public required Curves Curves { get; init; }

    public required IReadOnlyList<EvaluationData> Evaluations { get; init; }

    /// <summary>Each preview, in the order of plugins.json.</summary>
    public required IReadOnlyList<PreviewData> Previews { get; init; }

    public required IReadOnlyList<ChoiceMap> Choices { get; init; }

    public required TimeLedger Time { get; init; }

    public required IReadOnlyList<FlatSetting> Settings { get; init; }

    public required PictureSeries Pictures { get; init; }

    public static RunData Of(RecordedRun run, EmbeddedPictures pictures)
    {
        var totals = Totals.Of(run);
        return new RunData
        {
            Name = run.Name,
            Record = run.Record,
            Done = run.Done,
            Planned = run.PlannedSteps,
            SamplesPerStep = run.SamplesPerStep,
            Algorithm = Text(run.Settings[PartKinds.Algorithm], "id"),
            Model = run.Record?.Model ?? Text(run.Settings[PartKinds.Model], "id"),
            Rewards = [.. (run.Settings[PartSection.Rewards] as JsonArray ?? []).Select(static reward => new RewardData(Text(reward, "name"), Text(reward, "role") == RewardEntry.Watched))],
            Curves = Curves.Of(run),
            Evaluations = [.. run.Evaluations.Select(evaluation => EvaluationData.Of(evaluation, Totals.After(run, totals, evaluation.Step)))],
            Previews = [.. run.Previews.GroupBy(static line => line.Preview).Select(lines => PreviewData.Of([.. lines], line => Totals.After(run, totals, line.Step)))],
            Choices = ChoiceMap.Of(run),
            Time = TimeLedger.Of(run),
            Settings = [.. FlatSettings.Of(run.Settings)],
            Pictures = pictures.Of(run),
        };
    }

    private static string Text(JsonNode? node, string key) => (node as JsonObject)?[key] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}

/// <summary>A reward by name, and whether it is measured only.</summary>
internal sealed record RewardData(string Name, bool HeldOut);

/// <summary>An evaluation, and what the run had spent by then.</summary>
internal sealed record EvaluationData(
    int Step,
    double Evaluations,
    double Seconds,
    int Images,
    double Took,
    IReadOnlyDictionary<string, double> Rewards,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Tasks,
    IReadOnlyDictionary<string, double> Measures)
{
    public static EvaluationData Of(EvaluationLine line, Totals spent) =>
        new(line.Step, spent.Evaluations, spent.Seconds, line.Images, line.Timings.Seconds, line.Rewards, line.Tasks, line.Measures ?? new Dictionary<string, double>());

    public static EvaluationData Of(PreviewLine line, Totals spent) => new(line.Step, spent.Evaluations, spent.Seconds, line.Images, line.Timings.Seconds, line.Rewards, line.Tasks, line.Measures);
}

/// <summary>A preview of evaluations.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Size">Of its pictures.</param>
/// <param name="SamplingSteps">Of each of them.</param>
/// <param name="Guidance">How strongly captions steered.</param>
/// <param name="NetworkEvaluations">What one picture costs.</param>
/// <param name="Evaluations">From the first to the last.</param>
internal sealed record PreviewData(string Name, string Size, int SamplingSteps, double Guidance, double NetworkEvaluations, IReadOnlyList<EvaluationData> Evaluations)
{
    /// <summary>Puts the lines of a preview together; how the last was drawn stands for all.</summary>
    public static PreviewData Of(IReadOnlyList<PreviewLine> lines, Func<PreviewLine, Totals> spent) =>
        new(lines[^1].Preview, lines[^1].Size, lines[^1].SamplingSteps, lines[^1].Guidance, lines[^1].Evaluations, [.. lines.Select(line => EvaluationData.Of(line, spent(line)))]);
}

// The encoder of the default options keeps <, > and & out of the text, so that no caption ends the element it stands in.
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ReportData))]
internal sealed partial class ReportJson : JsonSerializerContext;
