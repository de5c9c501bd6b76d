using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>How an evaluation, or one of its previews, draws. What a preview leaves out is as in the evaluation, and what that leaves out as in training.</summary>
internal sealed record EvaluationForm
{
    private const string Section = "evaluation";
    private const string GuidanceOfTraining = "guidance.scale";

    /// <summary>The name of the preview; null for the evaluation itself.</summary>
    public string? Preview { get; init; }

    /// <summary>The size of the pictures; null for the model's own.</summary>
    public ImageSize? Size { get; init; }

    /// <summary>Sampling steps; null for the sampler's.</summary>
    public int? Steps { get; init; }

    public required Guidance Guidance { get; init; }

    /// <summary>Captions at a time.</summary>
    public required int Batch { get; init; }

    /// <summary>Steps between two of them; null draws with every evaluation, 0 with the first and the last.</summary>
    public int? Every { get; init; }

    /// <summary>Where plugins.json says so, for faults.</summary>
    public required SourcePlace Place { get; init; }

    // The keys of size, steps and guidance, which may be another section's.
    private (string Size, string Steps, string Guidance) Keys { get; init; } = ("run.size", "sampler.settings.steps", GuidanceOfTraining);

    /// <summary>Where the size is said.</summary>
    public SourcePlace SizePlace => Place with { Key = Keys.Size };

    /// <summary>Where the steps are said.</summary>
    public SourcePlace StepsPlace => Place with { Key = Keys.Steps };

    /// <summary>Where the guidance is said.</summary>
    public SourcePlace GuidancePlace => Place with { Key = Keys.Guidance };

    /// <summary>How training draws.</summary>
    public static EvaluationForm OfTraining(RunPlan plan) => new() { Size = plan.Size, Guidance = plan.Guidance, Batch = plan.Evaluation.Batch, Place = new SourcePlace(plan.Model.Place.File, Key: Section) };

    /// <summary>How evaluations draw.</summary>
    public static EvaluationForm Of(RunPlan plan) => OfTraining(plan).But((plan.Evaluation.Size, plan.Evaluation.Steps, plan.Evaluation.Guidance), Section);

    /// <summary>How the previews of evaluations draw.</summary>
    public static IReadOnlyList<EvaluationForm> PreviewsOf(RunPlan plan)
    {
        var evaluation = Of(plan);
        return [.. plan.Evaluation.Previews.Select((said, number) =>
        {
            var key = KeyOf(number);
            return evaluation.But((said.Size, said.Steps, said.Guidance), key) with
            {
                Preview = said.Name,
                Batch = said.Batch ?? evaluation.Batch,
                Every = said.Every,
                Place = evaluation.Place with { Key = key },
            };
        })];
    }

    /// <summary>The path of a preview in plugins.json.</summary>
    public static string KeyOf(int number) => JsonSource.Join($"{Section}.previews", number);

    /// <summary>The form for a model: where no guidance is said for evaluations, that of the model that the run trains.</summary>
    public EvaluationForm Of(RunPlan plan, IModel model) => Keys.Guidance == GuidanceOfTraining ? this with { Guidance = plan.GuidanceAfter(model) } : this;

    /// <summary>Whether it is drawn in an evaluation.</summary>
    /// <param name="done">Steps done.</param>
    /// <param name="steps">Steps of the run.</param>
    public bool IsDue(int done, int steps) => Every is not { } every || done == 0 || done == steps || (every > 0 && done % every == 0);

    /// <summary>Whether names and intervals of previews go together.</summary>
    /// <returns><see cref="FaultCodes.Duplicate"/>, or <see cref="FaultCodes.SettingsDoNotFit"/>.</returns>
    public static Result<Unit> Check(EvaluationSettings settings, Func<string, SourcePlace> place)
    {
        // The names are those of folders, too, which some systems do not tell apart by the case of letters.
        var names = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var number = 0; number < settings.Previews.Count; number++)
        {
            var (preview, key) = (settings.Previews[number], KeyOf(number));
            if (!names.TryAdd(preview.Name, preview.Name))
                return new Fault.Configuration(FaultCodes.Duplicate, $"two previews are called '{names[preview.Name]}'; give one another \"name\"", place(JsonSource.Join(key, "name")));
            if (settings.Every >= 0 && preview.Every is { } every and > 0 && (settings.Every == 0 || every % settings.Every != 0))
            {
                var rule = settings.Every == 0 ? "evaluation.every is 0, which evaluates before the first step and after the last alone" : $"it has to be a multiple of evaluation.every, which is {settings.Every}";
                return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"the preview '{preview.Name}' is to be drawn every {every} steps, but {rule}", place(JsonSource.Join(key, "every")));
            }
        }
        return Unit.Value;
    }

    private EvaluationForm But((string? Size, int? Steps, double? Guidance) said, string key) => this with
    {
        Size = ImageSize.TryParse(said.Size, out var size) ? size : Size,
        Steps = said.Steps ?? Steps,
        Guidance = said.Guidance is { } scale ? Guidance with { Scale = scale } : Guidance,
        Keys = (said.Size is null ? Keys.Size : $"{key}.size", said.Steps is null ? Keys.Steps : $"{key}.steps", said.Guidance is null ? Keys.Guidance : $"{key}.guidance"),
    };
}
