using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.LatentHead;

/// <summary>Offers the reward <c>latent-head</c>.</summary>
public sealed class LatentHeadPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<LatentHeadReward, LatentHeadSettings>("latent-head", SettingsJson.Default.LatentHeadSettings, static (settings, context) => new(settings, context)).Requiring(Capabilities.Features)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LatentHeadSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
