using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.Gram;

/// <summary>Offers the optimizer <c>sven</c>.</summary>
public sealed class GramPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<SvenOptimizer, SvenSettings>("sven", SettingsJson.Default.SvenSettings, static (settings, _) => new(settings))
            .Requiring(Capabilities.Rows)
            .Providing(Capabilities.OwnStepLength),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(SvenSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
