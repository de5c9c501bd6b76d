using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Adapters.Lora;

/// <summary>Offers the adapter <c>lora</c>.</summary>
public sealed class LoraPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.Of<LoraAdapter, LoraSettings>("lora", SettingsJson.Default.LoraSettings, static (settings, context) => new(settings, context))
            .Providing<LoraSettings>(static settings => settings.Candidates.Count > 0 ? [Capabilities.AdapterCandidates] : [])];
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LoraSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
