using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
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

    /// <summary>When checkpoints are taken; <see cref="CheckpointSettings.Best"/> is null only where no reward is held out.</summary>
    public CheckpointSettings Checkpoint { get; init; } = new();

    public GuardSettings Guard { get; init; } = new();

    public SentinelSettings Sentinel { get; init; } = new();

    public TelemetrySettings Telemetry { get; init; } = new();

    public required Guidance Guidance { get; init; }

    public required PartPlan Model { get; init; }

    /// <summary>What is trained beside frozen weights; null trains all weights of the model.</summary>
    public PartPlan? Adapter { get; init; }

    /// <summary>A second model, frozen; null for none.</summary>
    public PartPlan? Teacher { get; init; }

    /// <summary>Joins the processes of a run; null for a run of one.</summary>
    public PartPlan? Collective { get; init; }

    /// <summary>Losses beside the algorithm's.</summary>
    public IReadOnlyList<ObjectivePlan> Objectives { get; init; } = [];

    public required PartPlan Prompts { get; init; }

    /// <summary>The captions of evaluation; null takes <see cref="Prompts"/>.</summary>
    public PartPlan? EvaluationPrompts { get; init; }

    public required PartPlan Sampler { get; init; }

    public required PartPlan Algorithm { get; init; }

    public required PartPlan Optimizer { get; init; }

    public required IReadOnlyList<RewardPlan> Rewards { get; init; }

    /// <summary>Every part, in the order of plugins.json.</summary>
    public IEnumerable<PartPlan> Parts =>
        ((PartPlan?[])[Model, Adapter, Teacher, Prompts, EvaluationPrompts, Sampler, Algorithm, .. Objectives.Select(objective => objective.Part), .. Rewards.Select(reward => reward.Part), Optimizer, Collective]).OfType<PartPlan>();

    /// <summary>The plugins that offer them, each once.</summary>
    public IEnumerable<PluginHandle> Plugins => Parts.Select(static part => part.Plugin).OfType<PluginHandle>().Distinct();

    /// <summary>Whether a part is a reward that is measured in evaluation only.</summary>
    public bool IsHeldOut(PartPlan part) => Rewards.Any(reward => reward.Part == part && reward.Role == RewardRole.HeldOut);

    /// <summary>The folder of plugins.json.</summary>
    public required string BaseFolder { get; init; }

    /// <summary>plugins.json with every default filled in, for the run folder.</summary>
    public required string ResolvedJson { get; init; }
}

/// <summary>A part that a plugin offers, with its settings.</summary>
/// <param name="Definition">Describes and makes the part.</param>
/// <param name="Settings">The settings that were read.</param>
/// <param name="Name">The name in the run: the id, or a reward's <c>name</c>.</param>
/// <param name="Place">Where plugins.json names it.</param>
internal sealed record PartPlan(PartDefinition Definition, object Settings, string Name, SourcePlace Place)
{
    /// <summary>The plugin that offers the part; null for a part that was defined in this program.</summary>
    public PluginHandle? Plugin { get; init; }

    /// <summary>The SHA-256 that plugins.json pins the plugin's folder to.</summary>
    public string? Pin { get; init; }

    /// <summary>Makes the part.</summary>
    /// <typeparam name="T">The contract of its kind.</typeparam>
    /// <returns>The part, its own fault, or LA2007 naming the plugin when it throws.</returns>
    public Result<T> Create<T>(PartContext context)
        where T : class
    {
        return Guard($"making the {Definition.Kind} '{Name}'", () => Definition.Create(Settings, context)).Map(part => (T)part);
    }

    /// <summary>Runs code of the part's plugin.</summary>
    /// <param name="what">What it does, for the fault.</param>
    /// <param name="code">The code.</param>
    /// <returns>Its result, or LA2007 naming the plugin when it throws.</returns>
    public Result<T> Guard<T>(string what, Func<Result<T>> code) => Plugin is null ? code() : Plugin.Guard(what, code);
}

/// <summary>A loss beside the algorithm's.</summary>
/// <param name="Part">The part.</param>
/// <param name="Weight">Its factor.</param>
internal sealed record ObjectivePlan(PartPlan Part, double Weight);

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
}
