using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Objectives.Anchors;

/// <summary>Offers the objectives <c>kl</c> and <c>flow-matching</c>.</summary>
public sealed class AnchorsPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<KlObjective, KlSettings>("kl", SettingsJson.Default.KlSettings, static (settings, context) => new(context.Name, settings))
            .Requiring(Capabilities.ReferencePolicy)
            .Costing<KlSettings>(static (settings, _) => new(settings.Timesteps, settings.Timesteps, 0)),
        PartDefinition.Of<FlowMatchingObjective, FlowMatchingSettings>("flow-matching", SettingsJson.Default.FlowMatchingSettings, static (settings, context) => new(context.Name, settings))
            .Requiring(Capabilities.Pictures)
            .Costing<FlowMatchingSettings>(static (settings, _) => new(0, settings.Timesteps, 0)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(KlSettings))]
[JsonSerializable(typeof(FlowMatchingSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
