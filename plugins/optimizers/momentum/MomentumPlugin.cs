using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Offers the optimizers <c>lanton</c>, <c>diffgrad</c> and <c>npg-igt</c>.</summary>
public sealed class MomentumPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<LantonOptimizer, LantonSettings>("lanton", SettingsJson.Default.LantonSettings, static (settings, _) => new(settings))
            .Requiring<LantonSettings>(static settings => settings.Noise == NoiseOf.SecondDraw ? [Capabilities.SecondDraw] : [])
            .Providing(Capabilities.OwnStepLength),
        PartDefinition.Of<DiffGradOptimizer, DiffGradSettings>("diffgrad", SettingsJson.Default.DiffGradSettings, static (settings, context) => new(settings, context.Warn)),
        PartDefinition.Of<NpgIgtOptimizer, NpgIgtSettings>("npg-igt", SettingsJson.Default.NpgIgtSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.Probe)
            .Providing(Capabilities.OwnStepLength),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LantonSettings))]
[JsonSerializable(typeof(DiffGradSettings))]
[JsonSerializable(typeof(NpgIgtSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
