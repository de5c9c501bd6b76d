using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace TestPlugins.Unruly;

/// <summary>Rewards that do what rewards should not, and one that keeps something.</summary>
public sealed class Plugin : IPlugin
{
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<Counting, NoSettings>("counting", SettingsJson.Default.NoSettings, static (_, _) => new()),
        PartDefinition.Of<Moody, MoodySettings>("moody", SettingsJson.Default.MoodySettings, static (settings, _) => new(settings)),
        PartDefinition.Of<Vivid, VividSettings>("vivid", SettingsJson.Default.VividSettings, static (settings, _) => new(settings)),
    ];
}

public sealed record NoSettings;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NoSettings))]
[JsonSerializable(typeof(MoodySettings))]
[JsonSerializable(typeof(VividSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
