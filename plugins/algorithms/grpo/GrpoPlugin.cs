using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>Offers the algorithms <c>flow-grpo</c>, <c>flow-grpo-fast</c>, <c>mix-grpo</c>, <c>dance-grpo</c> and <c>grpo-guard</c>.</summary>
public sealed class GrpoPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        Part("flow-grpo", SettingsJson.Default.FlowGrpoSettings, GrpoMethod.FlowGrpo),
        Part("flow-grpo-fast", SettingsJson.Default.FlowGrpoFastSettings, GrpoMethod.FlowGrpoFast),
        Part("mix-grpo", SettingsJson.Default.MixGrpoSettings, GrpoMethod.MixGrpo),
        Part("dance-grpo", SettingsJson.Default.DanceGrpoSettings, GrpoMethod.DanceGrpo),
        Part("grpo-guard", SettingsJson.Default.GrpoGuardSettings, GrpoMethod.GrpoGuard, Capabilities.GaussianLogProbability),
    ];

    private static PartDefinition Part<TSettings>(string id, JsonTypeInfo<TSettings> json, Func<TSettings, GrpoMethod> method, params string[] further)
        where TSettings : GrpoSettings =>
        PartDefinition.Of<GrpoAlgorithm, TSettings>(id, json, (settings, _) => new(method(settings)))
            .Requiring<TSettings>(settings =>
            [
                Capabilities.LogProbability, Capabilities.GroupedPrompts, .. further, .. settings.KlWeight > 0 ? (string[])[Capabilities.ReferencePolicy] : [],
            ])
            .Providing<TSettings>(static settings => settings.Updates == 1 ? [Capabilities.Probe] : [])
            .Costing<TSettings>((settings, steps) => method(settings).Cost(steps));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FlowGrpoSettings))]
[JsonSerializable(typeof(FlowGrpoFastSettings))]
[JsonSerializable(typeof(MixGrpoSettings))]
[JsonSerializable(typeof(DanceGrpoSettings))]
[JsonSerializable(typeof(GrpoGuardSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
