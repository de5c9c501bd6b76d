using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Samplers.FlowSde.Speculative;

namespace LeapAlign.Samplers.FlowSde;

/// <summary>Offers the samplers <c>flow-sde</c>, <c>dance-sde</c>, <c>cps</c> and <c>speculative</c>.</summary>
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
        PartDefinition.Of<SpeculativeSampler, SpeculativeSettings>("speculative", SettingsJson.Default.SpeculativeSettings, static (settings, _) => new(settings))
            .Stepping<SpeculativeSettings>(static settings => settings.Steps)
            .Requiring<SpeculativeSettings>(static settings => settings.Drafter == Drafter.LastVelocity ? [] : [Capabilities.Teacher])
            .Providing<SpeculativeSettings>(static settings =>
                settings.Drafter == Drafter.Model ? [Capabilities.GaussianLogProbability] : [Capabilities.LogProbability, Capabilities.GaussianLogProbability]),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FlowSdeSettings))]
[JsonSerializable(typeof(DanceSdeSettings))]
[JsonSerializable(typeof(CpsSettings))]
[JsonSerializable(typeof(SpeculativeSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
