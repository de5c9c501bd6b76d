using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Gram;

/// <summary>Offers the optimizers <c>sven</c>, <c>mfac</c> and <c>gns</c>.</summary>
public sealed class GramPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<SvenOptimizer, SvenSettings>("sven", SettingsJson.Default.SvenSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.Rows)
            .Providing(Capabilities.OwnStepLength),
        PartDefinition.Of<MfacOptimizer, MfacSettings>("mfac", SettingsJson.Default.MfacSettings, static (settings, _) => new(settings)).Providing(Capabilities.InverseCurvature),
        PartDefinition.Of<GnsOptimizer, GnsSettings>("gns", SettingsJson.Default.GnsSettings, static (settings, context) => new(settings, context.Warn))
            .Requiring<GnsSettings>(static settings => settings.Curvature == GnsCurvature.Rows ? [Capabilities.Replay, Capabilities.Rows] : [Capabilities.Replay])
            .Providing(Capabilities.OwnStepLength),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(SvenSettings))]
[JsonSerializable(typeof(MfacSettings))]
[JsonSerializable(typeof(GnsSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
