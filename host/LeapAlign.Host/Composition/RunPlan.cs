using System.Text.Json.Nodes;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Composition;

/// <summary>A composition that has been checked: everything that can be known before a tensor exists.</summary>
internal sealed record RunPlan
{
    public required RunSettings Run { get; init; }

    public required EvaluationSettings Evaluation { get; init; }

    public required ExportSettings Export { get; init; }

    /// <summary>The ids of all rewards that plugins offer, in order.</summary>
    public IReadOnlyList<string> InstalledRewards { get; init; } = [];

    /// <summary>The warning of a run that is trained on one reward and holds none out; null for another.</summary>
    public Fault? LoneReward => Rewards is not [{ } only]
        ? null
        : new Fault.Composition(
            FaultCodes.LoneReward,
            $"'{only.Part.Name}' is the only reward, and none is held out: nothing would show that it is being gamed. Keep another beside it with \"role\": \"heldOut\"{Others(only.Part.Definition.Id)}",
            new SourcePlace("plugins.json", Key: PartSection.Rewards));

    /// <summary>Warnings of weights that count for nothing, since the reward is held out: a search or a sweep over one would compare runs that are the same.</summary>
    public IEnumerable<Fault> IdleWeights => Rewards.Where(static reward => reward is { Role: RewardRole.HeldOut, Weight: not 1 }).Select(static reward => new Fault.Composition(
        FaultCodes.SettingsDoNotFit,
        string.Create(null, $"the reward '{reward.Part.Name}' is held out, so that its weight of {reward.Weight} has no effect; \"role\": \"train\" would train on it"),
        reward.Part.Place with { Key = $"{reward.Part.Place.Key}.weight" }));

    private string Others(string id) => InstalledRewards.Where(other => other != id).ToArray() is { Length: > 0 } others ? $"; installed are {string.Join(", ", others)}" : "";

    /// <summary>The size of training's pictures; null for the model's own.</summary>
    public ImageSize? Size => ImageSize.TryParse(Run.Size, out var size) ? size : null;

    /// <summary>How evaluations draw.</summary>
    public EvaluationForm Drawn => EvaluationForm.Of(this);

    /// <summary>How the previews of evaluations draw.</summary>
    public IReadOnlyList<EvaluationForm> Previews => EvaluationForm.PreviewsOf(this);

    /// <summary>The sizes of pictures that plugins.json names, each with its place.</summary>
    public IReadOnlyList<AskedSize> Sizes =>
        [.. Previews.Prepend(Drawn).Prepend(EvaluationForm.OfTraining(this)).Where(static form => form.Size is not null).Select(static form => new AskedSize(form.Size!, form.SizePlace)).Distinct()];

    /// <summary>The largest norm of a gradient; null where the optimizer chooses the length of its steps.</summary>
    public double? ClipNorm => OwnStepLength ? null : Run.ClipNorm ?? 1;

    /// <summary>Whether the optimizer chooses the length of its steps.</summary>
    public bool OwnStepLength => Optimizer.Definition.Provides(Optimizer.Settings).Contains(Capabilities.OwnStepLength, StringComparer.Ordinal);

    private bool LearnsGuidance => Sections.One(PartKinds.Algorithm) is { } algorithm && algorithm.Definition.Provides(algorithm.Settings).Contains(Capabilities.GuidanceLearned, StringComparer.Ordinal);

    /// <summary>When checkpoints are taken; <see cref="CheckpointSettings.Best"/> is null only where no reward is held out.</summary>
    public CheckpointSettings Checkpoint { get; init; } = new();

    public GuardSettings Guard { get; init; } = new();

    public SentinelSettings Sentinel { get; init; } = new();

    public TelemetrySettings Telemetry { get; init; } = new();

    public required Guidance Guidance { get; init; }

    /// <summary>The parts by the section that names them; the properties below are views of them.</summary>
    public PlannedParts Sections { get; init; } = PlannedParts.None;

    public PartPlan Model { get => One(PartKinds.Model); init => Sections = Sections.With(PartKinds.Model, value); }

    /// <summary>A second model with frozen weights; null where nothing learns from one.</summary>
    public PartPlan? Teacher { get => Sections.One(PartSection.Teacher); init => Sections = Sections.With(PartSection.Teacher, Given(value)); }

    /// <summary>What is trained beside frozen weights; null where all weights of the model are trained.</summary>
    public PartPlan? Adapter { get => Sections.One(PartKinds.Adapter); init => Sections = Sections.With(PartKinds.Adapter, Given(value)); }

    public PartPlan Prompts { get => One(PartKinds.Prompts); init => Sections = Sections.With(PartKinds.Prompts, value); }

    /// <summary>The captions of evaluation; null takes <see cref="Prompts"/>.</summary>
    public PartPlan? EvaluationPrompts { get => Sections.One(PartSection.EvaluationPrompts); init => Sections = Sections.With(PartSection.EvaluationPrompts, Given(value)); }

    public PartPlan Sampler { get => One(PartKinds.Sampler); init => Sections = Sections.With(PartKinds.Sampler, value); }

    public PartPlan Algorithm { get => One(PartKinds.Algorithm); init => Sections = Sections.With(PartKinds.Algorithm, value); }

    public PartPlan Optimizer { get => One(PartKinds.Optimizer); init => Sections = Sections.With(PartKinds.Optimizer, value); }

    public IReadOnlyList<RewardPlan> Rewards
    {
        get => [.. Sections.In(PartSection.Rewards).Select(RewardPlan.Of)];
        init => Sections = Sections.With(PartSection.Rewards, value.Select(static reward => reward.Written));
    }

    /// <summary>Losses beside the algorithm's.</summary>
    public IReadOnlyList<ObjectivePlan> Objectives
    {
        get => [.. Sections.In(PartSection.Objectives).Select(ObjectivePlan.Of)];
        init => Sections = Sections.With(PartSection.Objectives, value.Select(static objective => objective.Part with { Entry = new ObjectiveEntry { Name = objective.Part.Name, Weight = objective.Weight } }));
    }

    /// <summary>The processes that share the run; null for one alone.</summary>
    public PartPlan? Collective { get => Sections.One(PartKinds.Collective); init => Sections = Sections.With(PartKinds.Collective, Given(value)); }

    /// <summary>Every part, in the order of the table of kinds.</summary>
    public IEnumerable<PartPlan> Parts => Sections.All.Select(static each => each.Part);

    /// <summary>The plugins that offer them, each once.</summary>
    public IEnumerable<PluginHandle> Plugins => Parts.Select(static part => part.Plugin).OfType<PluginHandle>().Distinct();

    /// <summary>Whether a part is a reward that is measured in evaluation only.</summary>
    public bool IsHeldOut(PartPlan part) => Rewards.Any(reward => reward.Part == part && reward.Role == RewardRole.HeldOut);

    /// <summary>The folder of plugins.json.</summary>
    public required string BaseFolder { get; init; }

    /// <summary>plugins.json with every default filled in, for the run folder.</summary>
    public required string ResolvedJson { get; init; }

    /// <summary>Whether the algorithm trains this model to draw alone what the run draws with guidance: one whose guidance has two branches.</summary>
    public bool TeachesGuidance(IModel model) => LearnsGuidance && model.GuidanceForm == GuidanceForm.Branches;

    /// <summary>How strongly captions steer where the model draws that the run trains: not at all where it learns a guidance of two branches.</summary>
    public Guidance GuidanceAfter(IModel model) => TeachesGuidance(model) ? Guidance.None : Guidance;

    private PartPlan One(string path) => Sections.One(path) ?? throw new InvalidOperationException($"the plan has no {path}");

    private static PartPlan[] Given(PartPlan? part) => part is null ? [] : [part];
}

/// <summary>A part that a plugin offers, with its settings.</summary>
/// <param name="Definition">Describes and makes the part.</param>
/// <param name="Settings">The settings that were read.</param>
/// <param name="Name">The name in the run: the id, or the <c>name</c> of an entry of a list.</param>
/// <param name="Place">Where plugins.json names it.</param>
internal sealed record PartPlan(PartDefinition Definition, object Settings, string Name, SourcePlace Place)
{
    /// <summary>The plugin that offers the part; null for a part that was defined in this program.</summary>
    public PluginHandle? Plugin { get; init; }

    /// <summary>The SHA-256 that plugins.json pins the plugin's folder to.</summary>
    public string? Pin { get; init; }

    /// <summary>What its entry of a list says beside id, settings and pin; null where it stands in no list.</summary>
    public ListEntry? Entry { get; init; }

    /// <summary>The folders that its settings name, as they are written, in the order of the schema.</summary>
    public IEnumerable<string> Folders => Paths(static setting => setting.IsFolder);

    /// <summary>The files and folders that its settings name.</summary>
    public IEnumerable<string> Files => Paths(static _ => true);

    /// <summary>Makes the part.</summary>
    /// <typeparam name="T">The contract of its kind.</typeparam>
    /// <returns>The part, its own fault, or LA2007 naming the plugin when it throws.</returns>
    public Result<T> Create<T>(PartContext context)
        where T : class
    {
        return Guard($"making the {Definition.Kind} '{Name}'", () => Definition.Create(Settings, context)).Map(part => (T)part);
    }

    private IEnumerable<string> Paths(Func<PathSettings, bool> which)
    {
        var settings = JsonNode.Parse(Definition.WriteSettings(Settings));
        return PathSettings.Of(Definition).Where(which).Select(setting => setting.In(settings)).OfType<string>();
    }

    /// <summary>Runs code of the part's plugin.</summary>
    /// <param name="what">What it does, for the fault.</param>
    /// <param name="code">The code.</param>
    /// <returns>Its result, or LA2007 naming the plugin when it throws.</returns>
    public Result<T> Guard<T>(string what, Func<Result<T>> code) => Plugin is null ? code() : Plugin.Guard(what, code);
}

/// <summary>What a reward is for.</summary>
internal enum RewardRole
{
    /// <summary>Its gradient or score trains the model.</summary>
    Train,

    /// <summary>Measured in evaluation only.</summary>
    HeldOut,
}

/// <summary>A reward of the run.</summary>
/// <param name="Part">The part.</param>
/// <param name="Role">What it is for.</param>
/// <param name="Weight">Its factor in the sum that is trained.</param>
internal sealed record RewardPlan(PartPlan Part, RewardRole Role, double Weight)
{
    /// <summary>Subtracted from a score before it trains.</summary>
    public double Offset { get; init; }

    /// <summary>What a score is divided by before it trains.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Whether an evaluation takes the mean over the means of tasks instead of that over pictures.</summary>
    public bool ByTask { get; init; }

    /// <summary>Where it computes, and where its weights lie: a word of <see cref="PlacedPart"/>.</summary>
    public string Placement { get; init; } = PlacedPart.Run;

    /// <summary>The reward of an entry.</summary>
    public static RewardPlan Of(PartPlan part)
    {
        var said = part.Entry as RewardEntry ?? new();
        return new(part, said.Role == RewardEntry.Trained ? RewardRole.Train : RewardRole.HeldOut, said.Weight) { Offset = said.Offset, Scale = said.Scale, ByTask = said.Average == RewardEntry.OfTasks, Placement = said.Placement };
    }

    /// <summary>The part with its entry.</summary>
    public PartPlan Written => Part with
    {
        Entry = new RewardEntry
        {
            Name = Part.Name,
            Role = Role == RewardRole.Train ? RewardEntry.Trained : RewardEntry.Watched,
            Weight = Weight,
            Offset = Offset,
            Scale = Scale,
            Average = ByTask ? RewardEntry.OfTasks : RewardEntry.OfPictures,
            Placement = Placement,
        },
    };
}

/// <summary>A loss beside the algorithm's.</summary>
/// <param name="Part">The part.</param>
/// <param name="Weight">Its factor.</param>
internal sealed record ObjectivePlan(PartPlan Part, double Weight)
{
    /// <summary>The objective of an entry.</summary>
    public static ObjectivePlan Of(PartPlan part) => new(part, (part.Entry as ObjectiveEntry ?? new()).Weight);
}
