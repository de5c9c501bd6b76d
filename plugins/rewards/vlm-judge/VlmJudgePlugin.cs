using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.VlmJudge;

/// <summary>Offers the reward <c>vlm-judge</c>.</summary>
public sealed class VlmJudgePlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<VlmJudgeReward, VlmJudgeSettings>("vlm-judge", SettingsJson.Default.VlmJudgeSettings, VlmJudgeReward.Create)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(VlmJudgeSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
