using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Momentum;

/// <summary>Offers the optimizers <c>lanton</c>, <c>diffgrad</c>, <c>npg-igt</c>, <c>harpg</c> and <c>gradient-sliding</c>.</summary>
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
        PartDefinition.Of<HarpgOptimizer, HarpgSettings>("harpg", SettingsJson.Default.HarpgSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.SecondDraw, Capabilities.HessianVector)
            .Providing(Capabilities.OwnStepLength),
        PartDefinition.Of<SlidingOptimizer, SlidingSettings>("gradient-sliding", SettingsJson.Default.SlidingSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.Probe)
            .Providing(Capabilities.OwnStepLength),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LantonSettings))]
[JsonSerializable(typeof(DiffGradSettings))]
[JsonSerializable(typeof(NpgIgtSettings))]
[JsonSerializable(typeof(HarpgSettings))]
[JsonSerializable(typeof(SlidingSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
