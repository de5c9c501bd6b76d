using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;

namespace LeapAlign.Contracts.Plugins;

/// <summary>The kinds of parts that plugins.json composes. A new kind is its interface and a row of the table.</summary>
public static class PartKinds
{
    /// <summary><see cref="IModel"/>.</summary>
    public const string Model = "model";

    /// <summary><see cref="IAdapter"/>.</summary>
    public const string Adapter = "adapter";

    /// <summary><see cref="IPromptSource"/>.</summary>
    public const string Prompts = "prompts";

    /// <summary><see cref="ISampler"/>.</summary>
    public const string Sampler = "sampler";

    /// <summary><see cref="IAlgorithm"/>.</summary>
    public const string Algorithm = "algorithm";

    /// <summary><see cref="IReward"/>, <see cref="IGroupReward"/>, <see cref="IPairwiseReward"/> or <see cref="ILatentReward"/>.</summary>
    public const string Reward = "reward";

    /// <summary><see cref="IObjective"/>.</summary>
    public const string Objective = "objective";

    /// <summary><see cref="IOptimizer"/>.</summary>
    public const string Optimizer = "optimizer";

    /// <summary><see cref="ICommunicator"/>.</summary>
    public const string Collective = "collective";

    /// <summary>Every kind, in the order of a step.</summary>
    public static IReadOnlyList<PartKind> Table { get; } =
    [
        new(
            Model,
            [typeof(IModel)],
            new PartSection(Model, PartCount.One, "The model that is aligned."),
            new PartSection(PartSection.Teacher, PartCount.OneOrNone, "A second model, whose weights stay as they are, for methods that learn from one. It has the latents of the first."))
        {
            Capabilities = [Capabilities.Features],
        },
        new(Adapter, [typeof(IAdapter)], new PartSection(Adapter, PartCount.OneOrNone, "Which weights are trained: all of the model's, or a few beside them.")
        {
            Default = "full",
            DefaultMeaning = "All weights of the model are trained.",
        })
        {
            Capabilities = [Capabilities.AdapterCandidates],
        },
        new(
            Prompts,
            [typeof(IPromptSource)],
            new PartSection(Prompts, PartCount.One, "The captions of training."),
            new PartSection(PartSection.EvaluationPrompts, PartCount.OneOrNone, "The captions of evaluation; those of training when it is absent."))
        {
            Capabilities = [Capabilities.Pictures, Capabilities.PreferencePairs, Capabilities.ScoredPictures, Capabilities.Verdicts, Capabilities.VerdictPairs],
        },
        new(Sampler, [typeof(ISampler)], new PartSection(Sampler, PartCount.One, "How noise becomes a picture."))
        {
            Capabilities = [Capabilities.LogProbability, Capabilities.GaussianLogProbability, Capabilities.VelocityPath],
        },
        new(Algorithm, [typeof(IAlgorithm)], new PartSection(Algorithm, PartCount.One, "How the model is aligned."))
        {
            Capabilities = [Capabilities.Rows, Capabilities.RewardWeights, Capabilities.Players, .. Capabilities.OfRepeatableSteps],
        },
        new(
            Reward,
            [typeof(IReward), typeof(IGroupReward), typeof(IPairwiseReward), typeof(ILatentReward)],
            new PartSection(PartSection.Rewards, PartCount.OneOrMore, "What scores the pictures, or their latents: trained on, or held out and measured only."))
        {
            Capabilities = [Capabilities.DifferentiableReward, Capabilities.LatentReward],
        },
        new(Objective, [typeof(IObjective)], new PartSection(PartSection.Objectives, PartCount.Any, "Losses beside the algorithm's, each times its weight: regularisers, anchors against drift.")),
        new(Optimizer, [typeof(IOptimizer)], new PartSection(Optimizer, PartCount.One, "How gradients change weights."))
        {
            Capabilities = [Capabilities.PlainDescent, Capabilities.InverseCurvature],
        },
        new(Collective, [typeof(ICommunicator)], new PartSection(Collective, PartCount.OneOrNone, "The processes that share a run; one alone when it is absent.")),
    ];

    /// <summary>The name of every kind, in the order of the table.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Table.Select(static kind => kind.Name)];

    /// <summary>Every section of plugins.json that names parts, in the order of the table.</summary>
    public static IReadOnlyList<PartSection> Sections { get; } = [.. Table.SelectMany(static kind => kind.Sections)];

    /// <summary>The row of a kind.</summary>
    /// <param name="name">One of <see cref="All"/>.</param>
    public static PartKind Of(string name) => Table.First(kind => kind.Name == name);

    /// <summary>The section of a path.</summary>
    /// <param name="path">One of those of <see cref="Sections"/>.</param>
    public static PartSection Section(string path) => Sections.First(section => section.Path == path);

    internal static string Of(Type part) =>
        Table.FirstOrDefault(kind => kind.Contracts.Any(contract => contract.IsAssignableFrom(part)))?.Name
        ?? throw new ArgumentException($"{part} implements none of {string.Join(", ", Table.SelectMany(static kind => kind.Contracts).Select(static contract => contract.Name))}", nameof(part));
}
