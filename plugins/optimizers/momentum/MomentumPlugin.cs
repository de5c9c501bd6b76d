using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Offers the optimizers <c>lanton</c> and <c>diffgrad</c>.</summary>
public sealed class MomentumPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<LantonOptimizer, LantonSettings>("lanton", SettingsJson.Default.LantonSettings, static (settings, _) => new(settings))
            .Requiring<LantonSettings>(static settings => settings.Noise == NoiseOf.SecondDraw ? [Capabilities.SecondDraw] : [])
            .Providing(Capabilities.OwnStepLength),
        PartDefinition.Of<DiffGradOptimizer, DiffGradSettings>("diffgrad", SettingsJson.Default.DiffGradSettings, static (settings, context) => new(settings, context.Warn)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LantonSettings))]
[JsonSerializable(typeof(DiffGradSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
