using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Optimizers.AdamW;

/// <summary>Offers the optimizer <c>adamw</c>.</summary>
public sealed class AdamWPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<AdamWOptimizer, AdamWSettings>("adamw", SettingsJson.Default.AdamWSettings, static (settings, context) => new(settings, context.Warn))];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AdamWSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
