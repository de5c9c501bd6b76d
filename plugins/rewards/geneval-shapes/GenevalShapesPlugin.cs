using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.GenevalShapes;

/// <summary>Offers the reward <c>geneval-shapes</c>.</summary>
public sealed class GenevalShapesPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<GenevalShapesReward, GenevalShapesSettings>(
            "geneval-shapes", SettingsJson.Default.GenevalShapesSettings, static (settings, _) => new(settings)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(GenevalShapesSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
