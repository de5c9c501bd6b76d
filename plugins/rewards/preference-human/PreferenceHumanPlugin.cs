using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>Offers the reward <c>preference-human</c>.</summary>
public sealed class PreferenceHumanPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<PreferenceHumanReward, PreferenceHumanSettings>("preference-human", SettingsJson.Default.PreferenceHumanSettings, PreferenceHumanReward.Create).Providing(Capabilities.People)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(PreferenceHumanSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
