using System.Text.Json.Serialization;
using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Rewards;

namespace LeapAlign.Rewards.Verdict;

/// <summary>Offers the reward <c>verdict</c>.</summary>
public sealed class VerdictPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.TryOf<IReward, VerdictSettings>("verdict", SettingsJson.Default.VerdictSettings, VerdictReward.Create)
            .Providing<VerdictSettings>(static settings => settings.Gradient == HardGradient.None ? [] : [Capabilities.DifferentiableReward]),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(VerdictSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
