using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.Clip;

/// <summary>Offers the reward <c>clip</c>.</summary>
public sealed class ClipPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<ClipReward, ClipSettings>("clip", SettingsJson.Default.ClipSettings, ClipReward.Load)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ClipSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
