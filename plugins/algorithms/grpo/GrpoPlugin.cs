using System.Text.Json.Serialization;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>Offers the algorithms <c>flow-grpo</c>, <c>flow-grpo-fast</c>, <c>mix-grpo</c>, <c>dance-grpo</c> and <c>grpo-guard</c>.</summary>
public sealed class GrpoPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        With(
            PartDefinition.Of<GrpoAlgorithm, FlowGrpoSettings>("flow-grpo", SettingsJson.Default.FlowGrpoSettings, static (settings, _) =>
                new("flow-grpo", settings, (_, _, steps) => StepChoice.AllButLast(steps, settings.NoisyLastStep))),
            Capabilities.LogProbability,
            static (FlowGrpoSettings _, int steps) => steps - 1),
        With(
            PartDefinition.Of<GrpoAlgorithm, FlowGrpoFastSettings>("flow-grpo-fast", SettingsJson.Default.FlowGrpoFastSettings, static (settings, _) =>
                new("flow-grpo-fast", settings, (key, _, steps) => Choices.Fast(settings, key, steps))),
            Capabilities.LogProbability,
            static (FlowGrpoFastSettings settings, int steps) => settings.Window == 0 ? steps - 1 : settings.Window),
        With(
            PartDefinition.Of<GrpoAlgorithm, MixGrpoSettings>("mix-grpo", SettingsJson.Default.MixGrpoSettings, static (settings, _) =>
                new("mix-grpo", settings, (key, runStep, steps) => Choices.Mix(settings, key, runStep, steps))),
            Capabilities.LogProbability,
            static (MixGrpoSettings settings, int _) => settings.Window),
        With(
            PartDefinition.Of<GrpoAlgorithm, DanceGrpoSettings>("dance-grpo", SettingsJson.Default.DanceGrpoSettings, static (settings, _) =>
                new("dance-grpo", settings, (key, _, steps) => StepChoice.Share(steps, settings.TrainedShare, key))),
            Capabilities.LogProbability,
            static (DanceGrpoSettings settings, int steps) => Math.Max(1, (int)(settings.TrainedShare * (steps - 1)))),
        With(
            PartDefinition.Of<GrpoAlgorithm, GrpoGuardSettings>("grpo-guard", SettingsJson.Default.GrpoGuardSettings, static (settings, _) =>
                new("grpo-guard", settings, (_, _, steps) => StepChoice.AllButLast(steps, settings.NoisyLastStep))),
            Capabilities.GaussianLogProbability,
            static (GrpoGuardSettings _, int steps) => steps - 1),
    ];

    private static PartDefinition With<TSettings>(PartDefinition part, string sampler, Func<TSettings, int, int> trained)
        where TSettings : GrpoSettings => part
        .Requiring<TSettings>(settings => settings.KlWeight > 0 ? [sampler, Capabilities.GroupedPrompts, Capabilities.ReferencePolicy] : [sampler, Capabilities.GroupedPrompts])
        .Costing<TSettings>((settings, steps) => new NetworkCost(steps + (settings.KlWeight > 0 ? trained(settings, steps) : 0), trained(settings, steps), 0));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FlowGrpoSettings))]
[JsonSerializable(typeof(FlowGrpoFastSettings))]
[JsonSerializable(typeof(MixGrpoSettings))]
[JsonSerializable(typeof(DanceGrpoSettings))]
[JsonSerializable(typeof(GrpoGuardSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
