using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.Verdict;

/// <summary>Offers the reward <c>verdict</c>.</summary>
public sealed class VerdictPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<VerdictReward, VerdictSettings>("verdict", SettingsJson.Default.VerdictSettings, VerdictReward.Create)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(VerdictSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
