using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.Clip;

/// <summary>Offers the rewards that look through a CLIP model: <c>clip</c>, <c>clip-score</c>, <c>pickscore</c>, <c>hps</c> and <c>aesthetic</c>. They are one plugin, so that they share weights.</summary>
public sealed class ClipPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.TryOf<ClipReward, ClipSettings>("clip", SettingsJson.Default.ClipSettings, ClipReward.Load).Providing(Capabilities.HostWeights),
        PartDefinition.TryOf<ClipReward, ClipScoreSettings>("clip-score", SettingsJson.Default.ClipScoreSettings, ClipReward.Load).Providing(Capabilities.HostWeights),
        PartDefinition.TryOf<ClipReward, PickScoreSettings>("pickscore", SettingsJson.Default.PickScoreSettings, ClipReward.Load).Providing(Capabilities.HostWeights),
        PartDefinition.TryOf<ClipReward, HpsSettings>("hps", SettingsJson.Default.HpsSettings, ClipReward.Load).Providing(Capabilities.HostWeights),
        PartDefinition.TryOf<AestheticReward, AestheticSettings>("aesthetic", SettingsJson.Default.AestheticSettings, AestheticReward.Load).Providing(Capabilities.HostWeights),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ClipSettings))]
[JsonSerializable(typeof(ClipScoreSettings))]
[JsonSerializable(typeof(PickScoreSettings))]
[JsonSerializable(typeof(HpsSettings))]
[JsonSerializable(typeof(AestheticSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
