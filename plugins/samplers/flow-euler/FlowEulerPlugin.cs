using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Samplers.FlowEuler;

/// <summary>Offers the sampler <c>flow-euler</c>.</summary>
public sealed class FlowEulerPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<FlowEulerSampler, FlowEulerSettings>("flow-euler", SettingsJson.Default.FlowEulerSettings, static (settings, _) => new(settings))
            .Stepping<FlowEulerSettings>(static settings => settings.Steps)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(FlowEulerSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
