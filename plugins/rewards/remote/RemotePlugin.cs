using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Rewards.Remote;

/// <summary>Offers the reward <c>remote</c>.</summary>
public sealed class RemotePlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<RemoteReward, RemoteSettings>("remote", SettingsJson.Default.RemoteSettings, RemoteReward.Create)];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RemoteSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
