using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.ImageReward;

/// <summary>Offers the reward <c>imagereward</c>.</summary>
public sealed class ImageRewardPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<BlipReward, ImageRewardSettings>("imagereward", SettingsJson.Default.ImageRewardSettings, BlipReward.Load).Providing(Capabilities.HostWeights)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ImageRewardSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
