using System.Text.Json.Serialization.Metadata;
using LeapAlign.Algorithms.LeapAlign;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Models.Sd3;
using LeapAlign.Optimizers.AdamW;
using LeapAlign.Pipeline;
using LeapAlign.Prompts.File;
using LeapAlign.Rewards.Clip;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>The bundled parts composed without isolation, so that a test can look inside.</summary>
internal static class InProcessRun
{
    public static RunPlan Plan(RunSettings run, EvaluationSettings? evaluation = null, int samplingSteps = 4) => new()
    {
        Run = run,
        Evaluation = evaluation ?? new EvaluationSettings { Every = -1 },
        Export = new ExportSettings(),
        Guidance = Guidance.None,
        Model = Part(new Sd3Plugin(), new Sd3Settings { Folder = "models/tiny-sd3", EmbeddingCache = 0 }),
        Prompts = Part(new FilePlugin(), new FileSettings { Path = "models/prompts/shapes-train.jsonl" }),
        Sampler = Part(new FlowEulerPlugin(), new FlowEulerSettings { Steps = samplingSteps }),
        Algorithm = Part(new LeapAlignPlugin(), new LeapAlignSettings()),
        Optimizer = Part(new AdamWPlugin(), new AdamWSettings()),
        Rewards = [new RewardPlan(Part(new ClipPlugin(), new ClipSettings { Model = "models/tiny-clip-reward" }), RewardRole.Train, 1)],
        BaseFolder = Repository.Root,
        ResolvedJson = "{}",
    };

    public static PartContext Context(PartPlan part) => Context(part.Name);

    public static PartContext Context(string name) => new()
    {
        Name = name,
        BaseFolder = Repository.Root,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = static _ => { },
    };

    /// <summary>The context with resources that parts share.</summary>
    public static PartContext With(this PartContext context, ISharedResources shared) => new()
    {
        Name = context.Name,
        BaseFolder = context.BaseFolder,
        Device = context.Device,
        ComputeType = context.ComputeType,
        Logger = context.Logger,
        Warn = context.Warn,
        Shared = shared,
    };

    /// <summary>The plan with an algorithm that a test defines.</summary>
    public static RunPlan With(this RunPlan plan, IAlgorithm algorithm) => plan with
    {
        Algorithm = new PartPlan(
            PartDefinition.Of<IAlgorithm, LeapAlignSettings>("scripted", LeapAlignSettingsJson, (_, _) => algorithm), new LeapAlignSettings(), "scripted", new SourcePlace("test")),
    };

    /// <summary>The plan with an optimizer that a test defines.</summary>
    public static RunPlan With(this RunPlan plan, IOptimizer optimizer, params string[] needs) => plan with
    {
        Optimizer = new PartPlan(
            PartDefinition.Of<IOptimizer, LeapAlignSettings>("scripted", LeapAlignSettingsJson, (_, _) => optimizer).Requiring(needs), new LeapAlignSettings(), "scripted", new SourcePlace("test")),
    };

    /// <summary>The plan with a part of a plugin as its algorithm.</summary>
    public static RunPlan With(this RunPlan plan, PartDefinition algorithm) =>
        plan with { Algorithm = new PartPlan(algorithm, algorithm.ReadSettings("{}"), algorithm.Id, new SourcePlace("test")) };

    /// <summary>The plan with trained rewards that a test defines.</summary>
    public static RunPlan With(this RunPlan plan, params (string Name, double Weight, double Offset, double Scale, IReward Reward)[] rewards) => plan with
    {
        Rewards = [.. rewards.Select(static reward => new RewardPlan(
            new PartPlan(PartDefinition.Of<IReward, LeapAlignSettings>(reward.Name, LeapAlignSettingsJson, (_, _) => reward.Reward), new LeapAlignSettings(), reward.Name, new SourcePlace("test")),
            RewardRole.Train,
            reward.Weight) { Offset = reward.Offset, Scale = reward.Scale })],
    };

    /// <summary>The plan with objectives beside the algorithm's that a test defines.</summary>
    public static RunPlan With(this RunPlan plan, params (string Name, double Weight, IObjective Objective)[] objectives) => plan with
    {
        Objectives = [.. objectives.Select(static objective => new ObjectivePlan(
            new PartPlan(PartDefinition.Of<IObjective, LeapAlignSettings>(objective.Name, LeapAlignSettingsJson, (_, _) => objective.Objective), new LeapAlignSettings(), objective.Name, new SourcePlace("test")),
            objective.Weight))],
    };

    /// <summary>A reward that a test defines.</summary>
    public static RewardPlan Reward(string name, IReward reward, RewardRole role) => new(
        new PartPlan(PartDefinition.Of<IReward, LeapAlignSettings>(name, LeapAlignSettingsJson, (_, _) => reward), new LeapAlignSettings(), name, new SourcePlace("test")), role, 1);

    /// <summary>The prompts of a file.</summary>
    public static PartPlan Prompts(string path) => Part(new FilePlugin(), new FileSettings { Path = path });

    private static JsonTypeInfo<LeapAlignSettings> LeapAlignSettingsJson { get; } = (JsonTypeInfo<LeapAlignSettings>)new LeapAlignPlugin().Parts.Single().Settings;

    public static PartPlan Part(IPlugin plugin, object settings)
    {
        var definition = plugin.Parts.Single(part => part.Settings.Type == settings.GetType());
        return new PartPlan(definition, settings, definition.Id, new SourcePlace("test"));
    }
}
