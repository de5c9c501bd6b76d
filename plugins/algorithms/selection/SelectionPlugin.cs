using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.Selection;

/// <summary>Offers the algorithm <c>dro-em</c>.</summary>
public sealed class SelectionPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.TryOf<DroEmAlgorithm, DroEmSettings>("dro-em", SettingsJson.Default.DroEmSettings, static (settings, context) => DroEmAlgorithm.Of(context.Name, settings, context.Device))
            .Requiring<DroEmSettings>(static settings =>
            [
                Capabilities.Features,
                .. settings.Evidence == EvidenceSource.Pictures ? [Capabilities.Pictures] : Array.Empty<string>(),
                .. settings.Adapters.Count > 0 ? [Capabilities.AdapterCandidates] : Array.Empty<string>(),
            ])
            // Copies that wait inside an iteration make the two independent, and belong to a step: the same step elsewhere would move them.
            .Providing<DroEmSettings>(static settings => settings.Iteration == 1 ? [.. Capabilities.OfRepeatableSteps, .. settings.Train == TrainedPlayers.Both ? [Capabilities.Players] : Array.Empty<string>()] : [Capabilities.Probe])
            .Costing<DroEmSettings>(static (settings, steps) => new(
                settings.Samples * (settings.Evidence == EvidenceSource.Online ? steps : settings.Timesteps),
                settings.Train == TrainedPlayers.Selector ? 0 : settings.Samples * settings.Timesteps,
                0)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DroEmSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
