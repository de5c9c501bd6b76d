using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.Surrogate;

/// <summary>Offers the reward <c>surrogate-attack</c>.</summary>
public sealed class SurrogatePlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.TryOf<SurrogateReward, SurrogateSettings>("surrogate-attack", SettingsJson.Default.SurrogateSettings, SurrogateReward.Create)
            .Requiring<SurrogateSettings>(static settings => settings.Guarded ? [Capabilities.FallenUndone] : []),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SurrogateSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
