using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Prompts.Shapes;

/// <summary>Offers the prompt source <c>shapes</c>.</summary>
public sealed class ShapesPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
    [
        PartDefinition.Of<ShapesPrompts, ShapesSettings>("shapes", SettingsJson.Default.ShapesSettings, static (settings, context) => new(settings, context.Resolve))
            .Providing<ShapesSettings>(static settings => settings.Pictures is null ? [] : [Capabilities.Pictures]),
    ];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ShapesSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
