using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Offers the optimizer <c>lanton</c>.</summary>
public sealed class MomentumPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<LantonOptimizer, LantonSettings>("lanton", SettingsJson.Default.LantonSettings, static (settings, _) => new(settings))
            .Requiring<LantonSettings>(static settings => settings.Noise == NoiseOf.SecondDraw ? [Capabilities.SecondDraw] : [])
            .Providing(Capabilities.OwnStepLength),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LantonSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
