using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>Offers the samplers <c>flow-sde</c>, <c>dance-sde</c> and <c>cps</c>.</summary>
public sealed class FlowSdePlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<FlowSdeSampler, FlowSdeSettings>("flow-sde", SettingsJson.Default.FlowSdeSettings, static (settings, _) => new(settings))
            .Stepping<FlowSdeSettings>(static settings => settings.Steps)
            .Providing(Capabilities.GaussianLogProbability),
        PartDefinition.Of<DanceSdeSampler, DanceSdeSettings>("dance-sde", SettingsJson.Default.DanceSdeSettings, static (settings, _) => new(settings))
            .Stepping<DanceSdeSettings>(static settings => settings.Steps)
            .Providing(Capabilities.GaussianLogProbability),
        PartDefinition.Of<CpsSampler, CpsSettings>("cps", SettingsJson.Default.CpsSettings, static (settings, _) => new(settings))
            .Stepping<CpsSettings>(static settings => settings.Steps),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FlowSdeSettings))]
[JsonSerializable(typeof(DanceSdeSettings))]
[JsonSerializable(typeof(CpsSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
