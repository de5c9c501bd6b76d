using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Algorithms.Drafts;

/// <summary>Offers the algorithm <c>draft-tvd</c>.</summary>
public sealed class DraftsPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<DraftTvdAlgorithm, DraftTvdSettings>("draft-tvd", SettingsJson.Default.DraftTvdSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.Teacher, Capabilities.GaussianLogProbability)
            .Providing(Capabilities.Probe)
            .Costing<DraftTvdSettings>(static (settings, steps) => new(steps + (settings.Loss == DraftLoss.Sampled ? settings.Timesteps : 0), settings.Timesteps, 0)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DraftTvdSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
