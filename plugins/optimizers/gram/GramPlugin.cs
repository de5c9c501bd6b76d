using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Gram;

/// <summary>Offers the optimizers <c>sven</c> and <c>mfac</c>.</summary>
public sealed class GramPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<SvenOptimizer, SvenSettings>("sven", SettingsJson.Default.SvenSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.Rows)
            .Providing(Capabilities.OwnStepLength),
        PartDefinition.Of<MfacOptimizer, MfacSettings>("mfac", SettingsJson.Default.MfacSettings, static (settings, _) => new(settings)),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(SvenSettings))]
[JsonSerializable(typeof(MfacSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
